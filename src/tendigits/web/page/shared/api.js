// Requests to the server. Every failure becomes an Error whose message is a sentence for people; `status` is what the server answered.

export const CSV = "text/csv";
export const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

// The JSON that the server answers with; null for an answer without content.
export async function ask(path, options = {}) {
  const response = await send(path, options);
  return response.status === 204 ? null : response.json();
}

// Tables, as the API takes them, as a file of this kind.
export const askTables = (tables, kind) =>
  askFile("v1/tables/export", { method: "POST", json: { tables }, headers: { accept: kind } });

export async function askFile(path, options = {}) {
  return (await send(path, options)).blob();
}

async function send(path, { method = "GET", json = undefined, body = undefined, headers = {} }) {
  let response;
  try {
    response = await fetch(path, {
      method,
      body: json === undefined ? body : JSON.stringify(json),
      headers: json === undefined ? headers : { "content-type": "application/json", ...headers },
    });
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  throw Object.assign(new Error(error), { status: response.status });
}

const PICTURE_TYPE = /^(image\/(png|jpeg|webp|tiff|bmp|gif|heic|avif)|application\/pdf)$/;

/** @type {(file: any) => any} */
export const requestOf = (file) => ({
  method: "POST",
  body: file,
  headers: { "content-type": PICTURE_TYPE.test(file.type) ? file.type : "application/octet-stream" },
});

// A page of a file as a picture that the browser can show.
export async function pictureOf(file, n_pages, page_number) {
  return n_pages === 1 && (await canShow(file)) ? file : askFile(`v1/preview?page=${page_number}`, requestOf(file));
}

// Whether this browser can show a file as a picture: most show no HEIC, TIFF and PDF.
async function canShow(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  const shows = await image.decode().then(
    () => true,
    () => false,
  );
  URL.revokeObjectURL(image.src);
  return shows;
}
