// The five pages.

import { startPad } from "./pad.js";
import { startPages } from "./pages.js";
import { showPlaying, startPlaying } from "./play.js";
import { startReading } from "./read.js";
import { showRuns, startRuns } from "./runs.js";
import { showTeaching, startTeaching } from "./teach.js";

startPad();
startReading();
startTeaching();
startRuns();
startPlaying();
startPages({ draw: null, read: null, play: showPlaying, teach: showTeaching, runs: showRuns });
