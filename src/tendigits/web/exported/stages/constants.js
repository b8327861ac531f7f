// Constants of the Python modules that the stages mirror; tests/export/test_stages.py compares them.

// pictures/image.py, pictures/limits.py
export const MIN_CONTRAST = 32;
export const MAX_BYTES = 40000000;
export const MAX_JPEG_PIXELS = 67108864;
export const MAX_PIXELS = 50000000;
export const MAX_SIDE = 16384;
// data/preprocess.py
export const FIELD = 28;
export const BOX = 20;
export const FOREGROUND = 0.1;
// digits/find.py
export const DIGIT_SIDE = 160;
export const SMALL_SIDE = 64;
// digits/foreground.py
export const BACKGROUND_SIDE = 160;
export const MIN_STROKE_CONTRAST = 14;
export const MIN_NOISE_SIGMAS = 3;
export const SHADE_SIGMA = 0.2;
export const MIN_BORDER_CONTRAST = 0.25;
// digits/segment.py
export const WEAK = 80;
export const STRONG = 140;
export const MIN_OTHER_HEIGHT = 0.6;
export const MIN_OTHER_AREA = 0.2;
export const MIN_OTHER_ASPECT = 0.1;
export const MAX_COMPONENTS = 4000;
// digits/network.py
export const MIN_PROBABILITY = 1e-12;
export const MIN_CERTAIN_PROBABILITY = 0.9;
export const TURN_DEGREES = 7;
// digits/layers.py
export const MAX_UNITS_IN_NARROW_ROWS = 64;
export const NARROW_ROW = 16;
export const WIDE_ROW = 32;
