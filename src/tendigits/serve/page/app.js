// The four pages.

import { startPad } from "./pad.js";
import { startPages } from "./pages.js";
import { startReading } from "./read.js";
import { showRuns, startRuns } from "./runs.js";
import { showTeaching, startTeaching } from "./teach.js";

startPad();
startReading();
startTeaching();
startRuns();
startPages({ draw: null, read: null, teach: showTeaching, runs: showRuns });
