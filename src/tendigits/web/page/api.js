// Requests to the server. Every failure becomes an Error whose message is a sentence for people.

export async function ask(path, options) {
  const response = await send(path, options);
  return response.status === 204 ? null : response.json();
}

export async function askFile(path, options) {
  return (await send(path, options)).blob();
}

async function send(path, { method = "GET", json, body, headers } = {}) {
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

// The bytes of a text in base64: a crop's or a strip's pixels, a layer's units.
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

// A canvas as the bytes of a PNG; of none no bytes. At once: a browser may put off `toBlob` for seconds, until it is idle.
export function pngOf(canvas) {
  return canvas ? bytesOf(canvas.toDataURL("image/png").split(",")[1]) : new Uint8Array();
}

// Draw a 28x28 crop, white digit on black, into a canvas of 28x28.
export function drawCrop(canvas, base64) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  if (base64) bytesOf(base64).forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
  context.putImageData(image, 0, 0);
}

// Draw a strip, grey, 40 pixels high, into a canvas that becomes as wide.
export function drawStrip(canvas, base64) {
  const pixels = bytesOf(base64);
  canvas.width = pixels.length / 40;
  canvas.height = 40;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, 40);
  pixels.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
  context.putImageData(image, 0, 0);
}

export function nameOf(label) {
  return label === null ? "not a digit" : String(label);
}

export function plural(count, name) {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

// A confidence, rounded down above 99%, so that 99.96% does not become 100%.
export function confidenceText(share) {
  return share > 0.99 && share < 1 ? `${(Math.floor(1000 * share) / 10).toFixed(1)}%` : percent(share);
}

export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)}%`;
}
