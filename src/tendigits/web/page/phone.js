// The page on a phone: sends photos to the page on the computer that shows the QR code.

const REASONS = {
  401: "Scan the code on the computer again.",
  404: "The computer takes no photos from phones now.",
  409: "Several photos are waiting already. Open them on the computer first.",
  413: "It has more than 32 MB.",
};

for (const input of document.querySelectorAll("input")) {
  input.addEventListener("change", async () => {
    const [photo] = input.files;
    if (!photo) return;
    show("Sending…");
    show(await send(photo));
    input.value = ""; // so that the same photo can be chosen again
  });
}

function show(text) {
  document.getElementById("state").textContent = text;
}

// Send a photo; gives a sentence on what became of it.
async function send(photo) {
  let response;
  try {
    response = await fetch("v1/phone/photos", { method: "POST", body: photo });
  } catch {
    return "Not sent: the computer does not answer. Is this phone in the same network?";
  }
  if (!response.ok) return `Not sent. ${REASONS[response.status] ?? "Try again."}`;
  const { opens } = await response.json();
  return opens ? "Sent. It opens on the computer." : "Sent. To open it, choose “Use your phone” on the computer.";
}
