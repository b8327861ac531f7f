// Start the five views of the server's page.

import { showDrawing, startDrawing } from "./draw/draw.js";
import { showPlaying, startPlaying } from "./play/play.js";
import { showReading, startReading } from "./read/read.js";
import { showRuns, startRuns } from "./runs/runs.js";
import { startViews } from "./shared/views.js";
import { showTeaching, startTeaching } from "./teach/teach.js";

startDrawing();
startReading();
startTeaching();
startRuns();
startPlaying();
startViews({ draw: showDrawing, read: showReading, play: showPlaying, teach: showTeaching, runs: showRuns });
