// The exported page with the playground alone.

import { showPlaying, startPlaying } from "../page/play/play.js";
import { find } from "../page/shared/dom.js";

startPlaying();
find("play").hidden = false;
showPlaying();
addEventListener("hashchange", showPlaying);
if (location.protocol !== "file:") navigator.serviceWorker?.register("service-worker.js"); // only in secure contexts
