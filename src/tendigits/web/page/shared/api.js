// Requests to the server. Every failure becomes an Error whose message is a sentence for people.

export const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

// The JSON that the server answers with; null for an answer without content.
export async function ask(path, options = {}) {
  const response = await send(path, options);
  return response.status === 204 ? null : response.json();
}

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
  throw new Error(error);
}
