// The five pages.

import { showDrawing, startDrawing } from "./draw.js";
import { startPages } from "./pages.js";
import { showPlaying, startPlaying } from "./play.js";
import { showReading, startReading } from "./read.js";
import { showRuns, startRuns } from "./runs.js";
import { showTeaching, startTeaching } from "./teach.js";

startDrawing();
startReading();
startTeaching();
startRuns();
startPlaying();
startPages({ draw: showDrawing, read: showReading, play: showPlaying, teach: showTeaching, runs: showRuns });
