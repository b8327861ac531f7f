// The page on a phone: sends photos to the page on the computer that shows the QR code.

for (const input of document.querySelectorAll("input")) {
  input.addEventListener("change", async () => {
    const state = document.getElementById("state");
    const [photo] = input.files;
    if (!photo) return;
    state.textContent = "Sending…";
    state.textContent = await send(photo);
    input.value = ""; // so that the same photo can be chosen again
  });
}

async function send(photo) {
  let response;
  try {
    response = await fetch("v1/phone/photos", { method: "POST", body: photo });
  } catch {
    return "Not sent: the computer does not answer. Is this phone in the same network?";
  }
  const { error, opens } = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (error) return `Not sent: ${error}.`;
  return opens ? "Sent. It opens on the computer." : "Sent. To open it, choose “Use your phone” on the computer.";
}
