/* A stack of Dense layers that learns, for Python (ctypes) and for the browser (WebAssembly); no library, no malloc.

   Hidden layers have relu, tanh, sigmoid or no activation and dropout, the last one softmax with cross-entropy.
   A step is written plainly in tests/engine/plain_step.c; the tests compare the two.
   The caller gives the memory, aligned to 64 bytes; it must not move while it is used:

     bytes = dense_bytes(layers, widths, batch)        widths: int32[layers + 1], the inputs first
     net   = dense_init(memory, layers, widths, activations, dropout, batch, threads)
                                                       int32[layers] of Activation, float32[layers]; the last are unused
     dense_optimizer(net, kind, rate, a, b, epsilon)   SGD: a = momentum; ADAM: a, b = betas; RMSPROP: a = rho
     dense_glorot(net, seed)                           new weights (Glorot uniform), biases and moments are zero
     dense_copy(net, layer, part, kernel, bias, into)  part 0: weights, 1 and 2: the optimizer's moments;
                                                       float32[inputs][units], float32[units]; into the net?
     error = dense_train(net, x, bytes, labels, rows, count, steps, n, first, keys, sums)
     dense_outputs(net, x, bytes, n, layer, out)                  out: float32[n][units] of a layer; last: probabilities
     dense_gradient(net, x, bytes, n, layer, unit, out)           out: float32[inputs], mean gradient of a unit's output

   x       uint8[...][inputs] if `bytes`, which are divided by 255; else float32[...][inputs]
   labels  uint8[...], one for each row of x
   rows    int32[steps * n], the rows of x in the order of their use, n a step, at most `batch`; null: 0, 1, 2, ...
   count   number of rows of x. If a row is not one of them, its label not one of the last layer's units, or n more than
           `batch`, nothing is done and the error is 1, else 0.
   first   number of steps that were taken before: Adam depends on it
   keys    uint32[layers][2]: seed and counter of each layer's dropout; a step adds 1 to the counter. The draws are
           those of Keras on JAX. The same keys give the same run. Null: nothing is dropped and nothing learned.
   sums    float32[2]: the sum of the losses and the number of right answers are added

   Numbers that no result depends on count as 0: gradients, outputs and probabilities below TINY, moments below
   TINY_MOMENT. Otherwise they decay into subnormal numbers, each of which takes some processors a hundred cycles. */

#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
#define API(name) __attribute__((export_name(#name)))
#elif defined _WIN32
#define API(name) __declspec(dllexport)
#else
#define API(name) __attribute__((visibility("default")))
#endif

#if defined __AVX512F__
enum { LANES = 16, ROWS = 8 };
#elif defined __AVX2__
enum { LANES = 8, ROWS = 4 };
#elif defined __aarch64__
enum { LANES = 4, ROWS = 8 };
#else
enum { LANES = 4, ROWS = 4 };
#endif
enum { PANEL = 2 * LANES, MAX_LAYERS = 32, MAX_THREADS = 8, ALIGNMENT = 64 };
enum { GAP = 21 * ALIGNMENT };  /* between matrices: w[i], m[i] and v[i], used together, must not share cache sets */
enum { UPDATE_ROWS = 128 };     /* of a panel of weights that one thread changes: long enough to be prefetched */
enum Activation { LINEAR, RELU, TANH, SIGMOID };
enum Optimizer { SGD, ADAM, RMSPROP };

#define TINY 0x1p-60f           /* 1e-18: the product of two such numbers is not yet subnormal */
#define TINY_MOMENT 0x1p-103f   /* 1e-31: its root is 3e-16, of which an epsilon of 1e-8 leaves nothing */

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define EACH(i, n) for (int i = 0; i < (n); i++)
#define INLINE static inline __attribute__((always_inline))
#define OUTLINE static __attribute__((noinline))

/* ---- functions of a vector, and random numbers ---- */

typedef float V __attribute__((vector_size(4 * LANES)));
typedef uint32_t U __attribute__((vector_size(4 * LANES)));
typedef int32_t I __attribute__((vector_size(4 * LANES)));

INLINE V splat(float x) { return x - (V){}; }
INLINE V select(I condition, V yes, V no) { return (V)((condition & (I)yes) | (~condition & (I)no)); }
/* x, or 0 where it is nearer to 0 than `least`; compared as integers, which no processor is slow with. */
INLINE V flushed(V x, float least) { return (V)((I)x & (((I)x & 0x7fffffff) >= (I)splat(least))); }
INLINE U lanes(void) {
    U lane;
    EACH(i, LANES) lane[i] = i;
    return lane;
}

/* e^x to about 1e-7 of it, for x in [-87, 88] and beyond that as for its ends (Cephes). */
INLINE V exponential(V x) {
    x = select(x < -87, splat(-87), select(x > 88, splat(88), x));
    V k = x * 1.44269504f + 12582912.f - 12582912.f;  /* rounds */
    x -= k * 0.693359375f;
    x += k * 2.12194440e-4f;
    V y = ((((1.9875691500e-4f * x + 1.3981999507e-3f) * x + 8.3334519073e-3f) * x + 4.1665795894e-2f) * x +
           1.6666665459e-1f) * x + 5.0000001201e-1f;
    y = y * x * x + x + 1;
    return (V)((I)y + (__builtin_convertvector(k, I) << 23));
}

static double logarithm(float x) {
    union { float x; uint32_t bits; } u = {x};
    int exponent = (int)(u.bits >> 23) - 127;
    u.bits = (u.bits & 0x7fffff) | 0x3f800000;
    double t = (u.x - 1.0) / (u.x + 1.0), power = t, sum = 0;  /* log(m) = 2 artanh(t) */
    for (int i = 1; i < 24; i += 2, power *= t * t) sum += power / i;
    return exponent * 0.6931471805599453 + 2 * sum;
}

static double power_of(double base, long n) {
    double result = 1;
    for (; n; n >>= 1, base *= base) if (n & 1) result *= base;
    return result;
}

INLINE V activated(int kind, V z) {
    return kind == RELU ? select(z < 0, splat(0), z)  /* NaN stays NaN */
         : kind == TANH ? 1 - 2 / (exponential(2 * z) + 1) : kind == SIGMOID ? 1 / (1 + exponential(-z)) : z;
}

/* Of the activation, from its output h. */
INLINE V slope_of(int kind, V h) {
    return kind == RELU ? select(h > 0, splat(1), splat(0))
         : kind == TANH ? 1 - h * h : kind == SIGMOID ? h * (1 - h) : splat(1);
}

/* JAX's random bits (Threefry 2x32 with 20 rounds, "partitionable") number `count` of a key. */
INLINE U random_bits(const uint32_t *key, U count) {
    static const int rotation[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    uint32_t k[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA};
    U a = (U){} + k[0], b = count + k[1];
#pragma unroll
    EACH(i, 5) {
#pragma unroll
        EACH(j, 4) {
            int r = rotation[i % 2][j];
            a += b;
            b = (b << r | b >> (32 - r)) ^ a;
        }
        a += k[(i + 1) % 3], b += k[(i + 2) % 3] + i + 1;
    }
    return a ^ b;
}

/* ---- the network in its memory ----
   Matrices are stored in panels of PANEL columns, so that a vector is LANES columns of a row and the next row follows.
   A matrix of 3 rows and 70 columns, in panels of 32 and of height 4 (the numbers say where an element is):

              columns 0 ... 31       columns 32 ... 63        columns 64 ... 69, the rest unused
     row 0  [   0    1 ...  31 ]   [ 128  129 ... 159 ]     [ 256 ... 261  ...  287 ]
     row 1  [  32   33 ...  63 ]   [ 160  161 ... 191 ]     [ 288 ... 293  ...  319 ]
     row 2  [  64   65 ...  95 ]   [ 192  193 ... 223 ]     [ 320 ... 325  ...  351 ]
            [  96      ... 127 ]   [ 224      ... 255 ]     [ 352          ...  383 ]     below the last row
               panel 0                panel 1                  panel 2                                          */

typedef struct {
    int units, height;             /* height: rows of the weights' panels; the biases are in the last row */
    int activation;
    float keep;                    /* 1 - dropout */
    float *w, *m, *v;              /* [inputs + 1][units]: weights and the optimizer's first and second moments */
    float *h, *slope, *d;          /* [batch][units]: outputs, their slope, the loss' gradient before the activation */
    float *dt;                     /* [units][batch]: d transposed */
} Layer;

typedef struct { int left, right; } Term;  /* of a product: offsets of its factors in their matrices */

typedef struct {
    int layers, batch, height, threads, optimizer; /* height: rows of the batches' panels */
    float rate, a, b, not_a, not_b, epsilon;       /* of the optimizer; not_a: 1 - a */
    float step_rate;               /* Adam's rate in this step */
    Term *by_rows;                 /* [batch / ROWS][inputs]: those of ROWS rows that are not all zero, and ... */
    int *terms;                    /* [batch / ROWS]: how many */
    int *by_columns, *counts;      /* [inputs / ROWS][batch]: rows in which not all of ROWS inputs are zero; how many */
    int *all_rows;                 /* [batch]; a row is its offset in a panel */
    float *losses;                 /* [batch][2]: loss, is right */
    uint64_t ticket;               /* stage << 32 | its next piece of work that nobody has claimed */
    int stage, done, asleep;       /* done: pieces of the stage that are finished */
    Layer layer[MAX_LAYERS + 1];   /* layer[0].h is the input */
} Net;

INLINE int round_up(int n, int to) { return (n + to - 1) / to * to; }
INLINE size_t panel_offset(int height, int row, int column) {
    return ((size_t)(column / PANEL) * height + row) * PANEL + column % PANEL;
}

INLINE int panels_of(const Net *net, int l) { return round_up(net->layer[l].units, PANEL) / PANEL; }
INLINE int updates_of(const Net *net, int l) { return (net->layer[l - 1].units + UPDATE_ROWS - 1) / UPDATE_ROWS; }

static void *take(char **memory, size_t rows, size_t columns) {
    void *taken = *memory;
    *memory += (rows * round_up(columns, PANEL) * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + GAP;
    return taken;
}

/* Returns the end of what it used. */
static char *lay_out(Net *net, const int *widths, char *memory) {
    net->height = round_up(net->batch, ROWS) + ROWS;  /* not a power of two, so that panels do not share cache sets */
    net->by_rows = take(&memory, round_up(net->batch, ROWS) / ROWS, 2 * widths[0]);
    net->terms = take(&memory, 1, net->batch);
    net->by_columns = take(&memory, round_up(widths[0], ROWS) / ROWS, net->batch);
    net->counts = take(&memory, 1, widths[0]);
    net->all_rows = take(&memory, 1, net->batch);
    net->losses = take(&memory, net->batch, 2);
    for (int l = 0; l <= net->layers; l++) {
        Layer *layer = &net->layer[l];
        layer->units = widths[l];
        layer->h = take(&memory, net->height, widths[l]);
        if (!l) continue;
        layer->height = round_up(round_up(widths[l - 1], ROWS) + 1, ROWS);
        layer->w = take(&memory, layer->height, widths[l]);
        layer->m = take(&memory, layer->height, widths[l]);
        layer->v = take(&memory, layer->height, widths[l]);
        layer->slope = take(&memory, net->height, widths[l]);
        layer->d = take(&memory, net->height, widths[l]);
        layer->dt = take(&memory, round_up(widths[l], PANEL), net->batch);
    }
    return memory;
}

API(dense_bytes) size_t dense_bytes(int layers, const int *widths, int batch) {
    Net net = {.layers = layers, .batch = batch};
    char *start = (char *)(size_t)ALIGNMENT;
    return lay_out(&net, widths, start) - start + round_up(sizeof(Net), ALIGNMENT);
}

API(dense_init) Net *dense_init(void *memory, int layers, const int *widths, const int *activations,
                                const float *dropout, int batch, int threads) {
    Net *net = memory;
    *net = (Net){.layers = layers, .batch = batch, .threads = MIN(threads, MAX_THREADS)};
    char *start = (char *)memory + round_up(sizeof(Net), ALIGNMENT), *end = lay_out(net, widths, start);
    for (char *p = start; p < end; p++) *p = 0;
    EACH(r, batch) net->all_rows[r] = r * PANEL;
    for (int l = 1; l <= layers; l++) {
        net->layer[l].activation = l < layers ? activations[l - 1] : LINEAR;
        net->layer[l].keep = l < layers ? 1 - dropout[l - 1] : 1;
    }
    return net;
}

API(dense_optimizer) void dense_optimizer(Net *net, int kind, double rate, double a, double b, double epsilon) {
    net->optimizer = kind, net->rate = rate, net->epsilon = epsilon;
    net->a = a, net->b = b, net->not_a = 1 - a, net->not_b = 1 - b;  /* rounded afterwards, as Keras */
}

API(dense_glorot) void dense_glorot(Net *net, uint32_t seed) {
    for (int l = 1; l <= net->layers; l++) {
        Layer *layer = &net->layer[l];
        uint32_t inputs = layer[-1].units, units = layer->units, key[2] = {seed, l};
        float limit = __builtin_sqrtf(6.0f / (inputs + units));
        for (size_t i = 0, n = (size_t)layer->height * round_up(units, PANEL); i < n; i++)
            layer->w[i] = layer->m[i] = layer->v[i] = 0;
        for (uint32_t i = 0; i < inputs * units; i++) {
            uint32_t bits = random_bits(key, (U){} + i)[0];
            layer->w[panel_offset(layer->height, i / units, i % units)] = ((bits >> 8) * 0x1p-23f - 1) * limit;
        }
    }
}

API(dense_copy) void dense_copy(Net *net, int layer, int part, float *kernel, float *bias, int into) {
    const Layer *l = &net->layer[layer + 1];
    float *values = part == 0 ? l->w : part == 1 ? l->m : l->v;
    int inputs = net->layer[layer].units;
    for (int u = 0; u < l->units; u += PANEL)
        EACH(k, inputs + 1) {
            float *inside = values + panel_offset(l->height, k < inputs ? k : l->height - 1, u);
            float *outside = u + (k < inputs ? kernel + (size_t)k * l->units : bias);
            float *to = into ? inside : outside, *from = into ? outside : inside;
            EACH(j, MIN(l->units - u, PANEL)) to[j] = from[j];
        }
}

/* Counts changes of these functions' arguments: a checkout may have a library that was compiled before. */
API(dense_interface) int dense_interface(void) { return 1; }

/* The level of x86-64 that this processor has, 1, 3 or 4: for the choice of the library. */
API(dense_level) int dense_level(void) {
    int level = 1;
#ifdef __x86_64__
    uint32_t a, b, c, d, saved = 0;
    __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
    if (c >> 27 & c >> 12 & 1) __asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));  /* registers that the system saves */
    __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
    if ((saved & 0x06) == 0x06 && (b & 0x00000128) == 0x00000128) level = 3;  /* AVX2, FMA, BMI */
    if ((saved & 0xe6) == 0xe6 && (b & 0xd0030000) == 0xd0030000 && level == 3) level = 4;  /* AVX-512 */
#endif
    return level;
}

/* ---- one step, fast ---- */

typedef struct {
    const void *x;
    int bytes;
    const uint8_t *labels;         /* null: there are none */
    const int *rows;
    int first, n;                  /* of rows */
    const uint32_t *keys;          /* of dropout, or null */
    uint32_t step;                 /* how many steps their counters have gone on */
} Batch;

INLINE size_t row_of(const Batch *batch, int r) {
    return batch->rows ? batch->rows[batch->first + r] : batch->first + r;
}

INLINE void convert(float *to, const void *x, int bytes, size_t from, int n) {
    if (bytes) EACH(j, n) to[j] = ((const uint8_t *)x)[from + j] * (1 / 255.f);
    else EACH(j, n) {
        uint32_t bits = ((const uint32_t *)x)[from + j];
        ((uint32_t *)to)[j] = bits & 0x7f800000 ? bits : 0;  /* subnormal: 0, as for XLA */
    }
}

/* layer[0].h = ROWS rows of x, with zeros below the last one; and where they have inputs that are not all zero */
OUTLINE void load_batch(Net *net, const Batch *batch, int block) {
    int width = net->layer[0].units;
    Term *terms = net->by_rows + (size_t)block * width, *end = terms;
    for (int k = 0; k < width; k += PANEL) {
        float *h = net->layer[0].h + panel_offset(net->height, block * ROWS, k);
        int n = MIN(width - k, PANEL);
        uint32_t any[PANEL] = {};
        EACH(i, ROWS) {
            int r = block * ROWS + i;
            float *to = h + i * PANEL;
            if (r >= batch->n) EACH(j, PANEL) to[j] = 0;
            else if (n == PANEL) convert(to, batch->x, batch->bytes, row_of(batch, r) * width + k, PANEL);
            else convert(to, batch->x, batch->bytes, row_of(batch, r) * width + k, n);
            EACH(j, PANEL) any[j] |= ((uint32_t *)to)[j];
        }
        EACH(j, n) {
            *end = (Term){(int)(h - net->layer[0].h) + j - block * ROWS * PANEL, (k + j) * PANEL};
            end += any[j] != 0;
        }
    }
    net->terms[block] = (int)(end - terms);
}

/* c[i] += left[i * si] * right for ROWS rows i and one panel */
INLINE void multiply_one(V c[ROWS][2], const float *left, size_t si, const float *right) {
    const V *b = (const V *)right;
    V b0 = b[0], b1 = b[1];
#pragma unroll
    EACH(i, ROWS) {
        V x = splat(left[i * si]);
        c[i][0] += x * b0;
        c[i][1] += x * b1;
    }
}

/* c[i] += sum of left[i * si + k * sk] * right[k * PANEL] over k < n, or of the terms, for ROWS rows i and one panel */
INLINE void multiply(V c[ROWS][2], const float *left, size_t si, size_t sk, const float *right, int n,
                     const Term *terms) {
    EACH(k, n) {
        size_t l = terms ? (size_t)terms[k].left : k * sk, r = terms ? terms[k].right : k * PANEL;
        multiply_one(c, left + l, si, right + r);
    }
}

/* Outputs and slopes of LANES units of one row, from z = inputs * weights + bias. key: of dropout, or null */
INLINE void activate(Net *net, const Layer *layer, V z, int row, int unit, const uint32_t *key) {
    V h = flushed(activated(layer->activation, z), TINY), slope = slope_of(layer->activation, h), scale = splat(1);
    if (key && layer->keep < 1) {
        U bits = random_bits(key, lanes() + (uint32_t)(row * layer->units + unit));
        U limit = (U){} + (uint32_t)__builtin_ceil(layer->keep * 0x1p23);  /* JAX's uniform numbers have 23 bits */
        scale = select((I)(bits >> 9 < limit), splat(1 / layer->keep), splat(0));
    }
    if (unit + LANES > layer->units) {  /* beyond the last unit is nothing */
        I inside = (I)(lanes() + (uint32_t)unit < (U){} + (uint32_t)layer->units);
        h = select(inside, h, splat(0));
    }
    size_t i = panel_offset(net->height, row, unit);
    *(V *)(layer->h + i) = select(scale == 0, scale, h * scale);
    *(V *)(layer->slope + i) = slope * scale;
}

/* Outputs of ROWS rows, of one panel of units */
OUTLINE void forward(Net *net, const Batch *batch, int l, int block, int p) {
    const Layer *layer = &net->layer[l], *below = layer - 1;
    const uint32_t *keys = batch->keys, key[2] = {keys ? keys[2 * l - 2] : 0, keys ? keys[2 * l - 1] + batch->step : 0};
    const float *w = layer->w + (size_t)p * layer->height * PANEL;
    const V *bias = (const V *)(w + (layer->height - 1) * PANEL);
    int r = block * ROWS;
    V c[ROWS][2];
    EACH(j, ROWS) c[j][0] = bias[0], c[j][1] = bias[1];
    if (l == 1) {
        const Term *terms = net->by_rows + (size_t)block * below->units;
        multiply(c, below->h + r * PANEL, PANEL, 0, w, net->terms[block], terms);
    } else for (int k = 0; k < below->units; k += PANEL) {
        int width = MIN(below->units - k, PANEL);
        multiply(c, below->h + panel_offset(net->height, r, k), PANEL, 1, w + k * PANEL, width, 0);
    }
    EACH(j, ROWS) EACH(half, 2)
        activate(net, layer, c[j][half], r + j, p * PANEL + half * LANES, keys ? key : 0);
}

/* Softmax, cross-entropy and its gradient, as Keras: probabilities count as at least 1e-7 and at most 1 - 1e-7. */
static void softmax_cross_entropy(Net *net, const Batch *batch, int r) {
    const Layer *last = &net->layer[net->layers];
    int units = last->units, label = batch->labels ? batch->labels[row_of(batch, r)] : 0, best = 0;
#define H(u) last->h[panel_offset(net->height, r, u)]
    float sum = 0;
    EACH(u, units) if (H(u) > H(best)) best = u;
    float max = H(best);
    EACH(u, units) sum += H(u) = flushed(exponential(splat(H(u) - max)), TINY)[0];
    EACH(u, units) H(u) /= sum;
    float p = H(label), clipped = p < 1e-7f ? 1e-7f : p > 1 - 1e-7f ? 1 - 1e-7f : p;
    EACH(u, units)
        last->d[panel_offset(net->height, r, u)] = last->dt[panel_offset(round_up(units, PANEL), u, r)] =
            p < clipped || p > clipped ? 0 : (H(u) - (u == label)) / batch->n;
    net->losses[2 * r] = p != p ? p : -logarithm(clipped);
    net->losses[2 * r + 1] = best == label;
#undef H
}

/* d of the layer below, for ROWS of its units from k on; sums: if given, only the sum of each unit is added there. */
OUTLINE void backward(Net *net, int l, int n, int k, float *sums) {
    const Layer *layer = &net->layer[l], *below = layer - 1;
    int height = round_up(layer->units, PANEL), below_height = round_up(below->units, PANEL);
    for (int q = 0; q < n; q += PANEL) {
        V c[ROWS][2] = {};
        for (int u = 0; u < layer->units; u += PANEL) {
            int width = MIN(layer->units - u, PANEL);
            const float *w = layer->w + panel_offset(layer->height, k, u), *dt = layer->dt + panel_offset(height, u, q);
            multiply(c, w, PANEL, 1, dt, width, 0);
        }
        for (int i = 0; i < ROWS && k + i < below->units; i++)
            for (int r = q; r < n && r < q + PANEL; r++) {
                float d = ((float *)c[i])[r - q];
                size_t j = panel_offset(net->height, r, k + i);
                if (sums) sums[k + i] += d;
                else below->d[j] = below->dt[panel_offset(below_height, k + i, r)] =
                    flushed(splat(d * below->slope[j]), TINY)[0];
            }
    }
}

/* Adam's rate in step t, 1 and up, in float32, as Keras */
static void set_step_rate(Net *net, int t) {
    float a = (float)power_of(net->a, t), b = (float)power_of(net->b, t);
    if (net->optimizer == ADAM) net->step_rate = net->rate * __builtin_sqrtf(1 - b) / (1 - a);
}

/* The optimizer's change of LANES weights by their gradient g, as Keras. */
INLINE void optimizer_step(const Net *net, float *w, float *m, float *v, V g) {
    V *weight = (V *)w, *first = (V *)m, *second = (V *)v;
    g = flushed(g, TINY);
    if (net->optimizer == ADAM) {
        V old = *weight, f = *first, s = *second;  /* read at once: for all that C knows, they overlap */
        *first = f = flushed(f + (g - f) * net->not_a, TINY_MOMENT);
        *second = s = flushed(s + (g * g - s) * net->not_b, TINY_MOMENT);
        *weight = old - f * net->step_rate / (__builtin_elementwise_sqrt(s) + net->epsilon);
    } else if (net->optimizer == RMSPROP) {
        *second = flushed(net->a * *second + net->not_a * g * g, TINY_MOMENT);
        *weight -= net->rate * g / __builtin_elementwise_sqrt(*second + net->epsilon);
    } else {
        *first = flushed(*first * net->a - g * net->rate, TINY_MOMENT);
        *weight += *first;
    }
}

/* Gradient and change of the weights from UPDATE_ROWS inputs, from `first` on, to one panel of units. The optimizer
   changes ROWS inputs while the gradient of the next ones is summed: a processor multiplies while it divides. Where it
   has 16 registers in place of 32, they are too few for both. */
OUTLINE void update(Net *net, int l, int n, int p, int first) {
    const Layer *layer = &net->layer[l];
    const float *d = layer->d + (size_t)p * net->height * PANEL;
    int end = MIN(first + UPDATE_ROWS, round_up(layer[-1].units, ROWS)), steps = 0;
    size_t o = panel_offset(layer->height, first, p * PANEL);
    float *w = layer->w + o, *m = layer->m + o, *v = layer->v + o;  /* of the step */
    V g[2 * ROWS];
    for (int k = first; k < end; k += ROWS, steps = 2 * ROWS) {
        const float *h = layer[-1].h + panel_offset(net->height, 0, k);
        const int *rows = l > 1 ? net->all_rows : net->by_columns + (size_t)(k / ROWS) * net->batch;
        int count = l > 1 ? n : net->counts[k / ROWS], both = ROWS < 8 ? 0 : MIN(count, steps), i = 0;
        for (int j = steps * LANES; j < (steps + 2 * ROWS) * LANES; j += 16) {  /* used after the next gradient */
            __builtin_prefetch(w + j);
            __builtin_prefetch(m + j);
            __builtin_prefetch(v + j);
        }
        V c[ROWS][2] = {};
        for (; i < both; i++) {
            multiply_one(c, h + rows[i], 1, d + rows[i]);
            optimizer_step(net, w + i * LANES, m + i * LANES, v + i * LANES, g[i]);
        }
        for (int j = both; j < steps; j++) optimizer_step(net, w + j * LANES, m + j * LANES, v + j * LANES, g[j]);
        for (; i < count; i++) multiply_one(c, h + rows[i], 1, d + rows[i]);
        EACH(j, 2 * ROWS) g[j] = c[j / 2][j % 2];
        w += steps * LANES, m += steps * LANES, v += steps * LANES;
    }
    EACH(i, steps) optimizer_step(net, w + i * LANES, m + i * LANES, v + i * LANES, g[i]);
}

static void update_bias(Net *net, int l, int n, int p) {
    const Layer *layer = &net->layer[l];
    const V *d = (const V *)(layer->d + (size_t)p * net->height * PANEL);
    size_t o = ((size_t)(p + 1) * layer->height - 1) * PANEL;
    for (int half = 0; half < 2; half++, o += LANES) {
        V sum = {};
        EACH(r, n) sum += d[2 * r + half];
        optimizer_step(net, layer->w + o, layer->m + o, layer->v + o, sum);
    }
}

/* The rows with inputs k ... k + ROWS - 1 that are not all zero. */
static void find_rows(Net *net, int n, int k) {
    const uint64_t *h = (const uint64_t *)(net->layer[0].h + panel_offset(net->height, 0, k));
    int *rows = net->by_columns + (size_t)(k / ROWS) * net->batch, *end = rows;
    for (int r = 0; r < n; r++, h += PANEL / 2) {
        uint64_t any = 0;
        EACH(i, ROWS / 2) any |= h[i];
        *end = r * PANEL;
        end += any != 0;
    }
    net->counts[k / ROWS] = (int)(end - rows);
}

/* Stages of a step: load the batch; layers 1 ... L forward; layers L ... 2 backward; find rows; update all layers.
   Pieces of one stage can be done in any order, at the same time: each writes what no other reads or writes. So the
   order changes no bit of a result. */
static int pieces_of(const Net *net, const Batch *batch, int stage) {
    int layers = net->layers, blocks = round_up(batch->n, ROWS) / ROWS, pieces = 0;
    if (stage == 0 || stage == layers) return blocks;
    if (stage < layers) return panels_of(net, stage) * blocks;
    if (stage <= 2 * layers) return round_up(net->layer[2 * layers - stage].units, ROWS) / ROWS;
    for (int l = 1; l <= layers; l++) pieces += panels_of(net, l) * updates_of(net, l);
    return pieces;
}

static void do_piece(Net *net, const Batch *batch, int stage, int i) {
    int n = batch->n, blocks = round_up(n, ROWS) / ROWS, layers = net->layers, l = 1;
    if (stage == 0) load_batch(net, batch, i);
    else if (stage < layers) forward(net, batch, stage, i % blocks, i / blocks);
    else if (stage == layers) {
        EACH(p, panels_of(net, layers)) forward(net, batch, layers, i, p);
        for (int r = i * ROWS; r < MIN(n, (i + 1) * ROWS); r++) softmax_cross_entropy(net, batch, r);
    } else if (stage < 2 * layers) backward(net, 2 * layers + 1 - stage, n, i * ROWS, 0);
    else if (stage == 2 * layers) find_rows(net, n, i * ROWS);
    else {
        for (int pieces; i >= (pieces = panels_of(net, l) * updates_of(net, l)); l++) i -= pieces;
        int p = i / updates_of(net, l), first = i % updates_of(net, l) * UPDATE_ROWS;
        if (!first) update_bias(net, l, n, p);
        update(net, l, n, p, first);
    }
}

/* Outputs of layers 1 ... to, without dropout; of the last one after the softmax. */
static void predict(Net *net, const Batch *batch, int to) {
    EACH(stage, to + 1) EACH(i, pieces_of(net, batch, stage)) do_piece(net, batch, stage, i);
}

/* ---- threads ----
   They claim pieces of a stage from a counter, and the one that does the last piece begins the next stage. So nobody
   waits for a thread that the system does not run, unless it is in the middle of a piece. */

enum { CLAIMS = 8, MAX_SPINS = 1000 };  /* CLAIMS: of each thread in a stage; MAX_SPINS: 20 to 50 microseconds */

/* While a thread spins: what its core's other thread needs, and less power. */
#if defined __x86_64__
#define PAUSE() __builtin_ia32_pause()
#elif defined __aarch64__
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE()
#endif

/* Sleep until another thread wakes this one, if *stage is still as it was; elsewhere let others run. */
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#define SLEEP(stage, is) syscall(SYS_futex, stage, 128, is, 0)
#define WAKE(stage) syscall(SYS_futex, stage, 129, INT32_MAX)
#else
#define SLEEP(stage, is) sched_yield()
#define WAKE(stage)
#endif

#if defined __wasm__
typedef int Thread;
#define sched_yield()
#define START(thread, work, argument) ((void)(thread), 0)
#define JOIN(thread) ((void)(thread))
#elif defined _WIN32
typedef void *Thread;
__declspec(dllimport) Thread CreateThread(void *, size_t, void *(*)(void *), void *, unsigned long, void *);
__declspec(dllimport) unsigned long WaitForSingleObject(Thread, unsigned long);
__declspec(dllimport) int CloseHandle(Thread), SwitchToThread(void);
#define sched_yield SwitchToThread
#define START(thread, work, argument) ((*(thread) = CreateThread(0, 0, work, argument, 0, 0)) != 0)
#define JOIN(thread) (WaitForSingleObject(thread, ~0ul), CloseHandle(thread))
int DllMainCRTStartup(void *library, unsigned long reason, void *reserved) {  /* there is no C library to start */
    return (void)library, (void)reason, (void)reserved, 1;
}
#else
#include <pthread.h>
#include <sched.h>
typedef pthread_t Thread;
#define START(thread, work, argument) (pthread_create(thread, 0, work, argument) == 0)
#define JOIN(thread) pthread_join(thread, 0)
#endif

typedef struct {
    Net *net;
    Batch batch;                   /* of the first step */
    int stages, steps, first;      /* stages: of a step */
    float *sums;
} Training;

static void end_stage(const Training *training, int stage) {
    Net *net = training->net;
    if (stage % training->stages == net->layers) {
        float loss = 0;
        EACH(r, training->batch.n) loss += net->losses[2 * r], training->sums[1] += net->losses[2 * r + 1];
        training->sums[0] += loss;
        set_step_rate(net, training->first + stage / training->stages + 1);
    }
    net->done = 0;
    __atomic_store_n(&net->ticket, (uint64_t)(stage + 1) << 32, __ATOMIC_RELEASE);
    __atomic_store_n(&net->stage, stage + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&net->asleep, __ATOMIC_SEQ_CST)) { WAKE(&net->stage); }
}

static void wait_for_end(Net *net, int stage) {
    for (int spins = 0; __atomic_load_n(&net->stage, __ATOMIC_ACQUIRE) == stage; spins++)
        if (spins < MAX_SPINS) PAUSE();
        else {
            __atomic_add_fetch(&net->asleep, 1, __ATOMIC_SEQ_CST);
            SLEEP(&net->stage, stage);
            __atomic_sub_fetch(&net->asleep, 1, __ATOMIC_SEQ_CST);
        }
}

static void *take_part(void *argument) {
    const Training *training = argument;
    Net *net = training->net;
    Batch batch = training->batch;
    for (;;) {
        uint64_t ticket = __atomic_fetch_add(&net->ticket, 1, __ATOMIC_ACQ_REL), claim = (uint32_t)ticket;
        int stage = (int)(ticket >> 32), step = stage / training->stages, kind = stage % training->stages;
        if (step == training->steps) return 0;
        batch.first = step * batch.n, batch.step = step;
        uint64_t pieces = pieces_of(net, &batch, kind), claims = MIN(pieces, (uint64_t)CLAIMS * net->threads);
        if (claim >= claims) { wait_for_end(net, stage); continue; }
        for (uint64_t i = pieces * claim / claims; i < pieces * (claim + 1) / claims; i++)
            do_piece(net, &batch, kind, (int)i);
        if (__atomic_add_fetch(&net->done, 1, __ATOMIC_ACQ_REL) == (int)claims) end_stage(training, stage);
    }
}

/* ---- what is called ---- */

API(dense_train) int dense_train(Net *net, const void *x, int bytes, const uint8_t *labels, const int *rows, int count,
                                 int steps, int n, int first, const uint32_t *keys, float *sums) {
    Training training = {net, {x, bytes, labels, rows, 0, n, keys, 0}, net->layers + 1, steps, first, sums};
    if (keys) training.stages += net->layers + 1;
    if (n > net->batch) return 1;
    EACH(r, steps * n) {
        size_t row = row_of(&training.batch, r);
        if (row >= (size_t)count || labels[row] >= net->layer[net->layers].units) return 1;
    }
    net->ticket = net->stage = net->done = 0;
    Thread others[MAX_THREADS];
    int started = 0;
    while (started + 1 < net->threads && START(&others[started], take_part, &training)) started++;
    take_part(&training);
    EACH(i, started) JOIN(others[i]);
    return 0;
}

API(dense_outputs) void dense_outputs(Net *net, const void *x, int bytes, int n, int layer, float *out) {
    const Layer *wanted = &net->layer[layer + 1];
    for (int i = 0; i < n; i += net->batch) {
        Batch batch = {x, bytes, 0, 0, i, MIN(n - i, net->batch), 0, 0};
        predict(net, &batch, layer + 1);
        EACH(r, batch.n) EACH(u, wanted->units) *out++ = wanted->h[panel_offset(net->height, r, u)];
    }
}

API(dense_gradient) void dense_gradient(Net *net, const void *x, int bytes, int n, int layer, int unit, float *out) {
    const Layer *wanted = &net->layer[layer + 1];
    int inputs = net->layer[0].units, is_last = layer + 1 == net->layers;
    EACH(k, inputs) out[k] = 0;
    for (int i = 0; i < n; i += net->batch) {
        Batch batch = {x, bytes, 0, 0, i, MIN(n - i, net->batch), 0, 0};
        predict(net, &batch, layer + 1);
        EACH(r, batch.n) EACH(u, wanted->units) {  /* the slope of the unit's output by each of the layer's sums */
            size_t at_u = panel_offset(net->height, r, u), at_unit = panel_offset(net->height, r, unit);
            float slope = u == unit ? wanted->slope[at_u] : 0;
            if (is_last) slope = wanted->h[at_unit] * ((u == unit) - wanted->h[at_u]);
            wanted->dt[panel_offset(round_up(wanted->units, PANEL), u, r)] = slope;
        }
        for (int l = layer + 1; l > 0; l--)
            for (int k = 0; k < net->layer[l - 1].units; k += ROWS) backward(net, l, batch.n, k, l > 1 ? 0 : out);
    }
    EACH(k, inputs) out[k] /= n;
}
