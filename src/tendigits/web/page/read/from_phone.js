// Photos from a phone: a dialog shows the QR code of the phone's page and waits for a photo.

import { ask, askFile } from "../shared/api.js";
import { element, find, trying } from "../shared/dom.js";

// `take` is called with each photo. Nothing is shown if the server does not accept photos from phones.
export async function startPhone(take) {
  const phone = await ask("v1/phone");
  if (phone === null) return;
  find("phone-code").replaceChildren(element("img", { src: phone.code, alt: "QR code of the address below" }));
  find("phone-url").textContent = phone.url;
  find("phone-cancel").addEventListener("click", () => find("phone").close());
  find("use-phone").addEventListener("click", () => wait(take));
  find("use-phone").hidden = false;
}

function wait(take) {
  const dialog = find("phone");
  const source = new EventSource("v1/phone/events");
  source.addEventListener("photo", () => {
    dialog.close();
    trying(async () => take(await askFile("v1/phone/photos/next", { method: "DELETE" })));
  });
  source.addEventListener("end", () => dialog.close()); // another page waits now, or the server has ended
  dialog.addEventListener("close", () => source.close(), { once: true });
  dialog.showModal();
}
