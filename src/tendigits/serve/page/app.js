// The five pages.

import { showPad, startPad } from "./pad.js";
import { startPages } from "./pages.js";
import { showPlaying, startPlaying } from "./play.js";
import { showReading, startReading } from "./read.js";
import { showRuns, startRuns } from "./runs.js";
import { showTeaching, startTeaching } from "./teach.js";

startPad();
startReading();
startTeaching();
startRuns();
startPlaying();
startPages({ draw: showPad, read: showReading, play: showPlaying, teach: showTeaching, runs: showRuns });
