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
export const FAINTEST = 14;
export const NOISE = 3;
export const SHADE = 0.2;
export const UNCLEAR = 0.25;

// digits/segment.py
export const WEAK = 80;
export const STRONG = 140;
export const AS_HIGH = 0.6;
export const AS_LARGE = 0.2;
export const AS_WIDE = 0.1;
export const MAX_COMPONENTS = 4000;

// digits/network.py
export const LEAST = 1e-12;
export const DOUBTFUL = 0.9;
export const TURN = 7;

// digits/layers.py
export const FEW = 64;
export const NARROW = 16;
export const WIDE = 32;
