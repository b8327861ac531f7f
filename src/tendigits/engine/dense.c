/* A stack of Dense layers that learns, for Python (ctypes) and for the browser (WebAssembly); no library, no malloc.

   Hidden layers have relu, tanh, sigmoid or no activation and dropout, the last one softmax with cross-entropy.
   A step is written plainly first and then fast, and a test compares the two.
   The caller gives the memory, aligned to 64 bytes; it must not move while it is used:

     bytes = dense_bytes(layers, widths, batch)        widths: int32[layers + 1], the inputs first
     net   = dense_init(memory, layers, widths, activations, dropout, batch, threads)
                                                       int32[layers] of Activation, float32[layers]; the last are unused
     dense_optimizer(net, kind, rate, a, b, epsilon)   SGD: a = momentum; ADAM: a, b = betas; RMSPROP: a = rho
     dense_glorot(net, seed)                           new weights (Glorot uniform), biases and moments are zero
     dense_copy(net, layer, part, kernel, bias, into)  part 0: weights, 1 and 2: the optimizer's moments;
                                                       float32[inputs][units], float32[units]; into the net?
     dense_train(net, x, bytes, labels, rows, steps, n, first, keys, sums, thread)
     dense_outputs(net, x, bytes, rows, n, layer, out)            out: float32[n][units] of a layer; last: probabilities
     dense_gradient(net, x, bytes, rows, n, layer, unit, out)     out: float32[inputs], mean gradient of a unit's output

   x       uint8[...][inputs] if `bytes`, which are divided by 255; else float32[...][inputs]
   labels  uint8[...], one for each row of x
   rows    int32, the rows of x in the order of their use; null: 0, 1, 2, ... For training steps * n of them, n a step,
           which is at most `batch`. The other functions take any n.
   first   number of steps that were taken before: Adam depends on it
   keys    uint32[layers][2]: seed and counter of each layer's dropout; a step adds 1 to the counter. The draws are
           those of Keras on JAX. The same keys give the same run. Null: nothing is dropped and nothing learned.
   sums    float32[2]: the sum of the losses and the number of right answers are added
   thread  0, or one of 0 ... threads - 1, each of which must be calling the same function. WebAssembly has one, and
           dense_outputs and dense_gradient are for nets with one. */

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
enum { PANEL = 2 * LANES, MAX_LAYERS = 32, MAX_SPINS = 10000, ALIGNMENT = 64 };
enum Activation { LINEAR, RELU, TANH, SIGMOID };
enum Optimizer { SGD, ADAM, RMSPROP };

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

/* ---- one step of SGD, plainly: the mathematics of all that follows ----
   w[l]: float32[widths[l - 1]][widths[l]]; h[l], d[l]: float32[n][widths[l]], outputs (h[0]: inputs) and gradients */

#ifndef __wasm__
#define AT(matrix, l, row, column) matrix[l][(row) * widths[l] + (column)]
API(dense_plain_step) void dense_plain_step(int layers, const int *widths, const int *activations, float **w, float **b,
                                            float **h, float **d, const uint8_t *labels, int n, float rate) {
    for (int l = 1; l <= layers; l++)
        EACH(r, n) EACH(u, widths[l]) {
            float z = b[l][u];
            EACH(k, widths[l - 1]) z += AT(h, l - 1, r, k) * AT(w, l, k, u);
            AT(h, l, r, u) = (l < layers ? activated(activations[l - 1], splat(z)) : exponential(splat(z)))[0];
        }
    EACH(r, n) {  /* softmax, and the gradient of the mean cross-entropy before it */
        float sum = 0;
        EACH(u, widths[layers]) sum += AT(h, layers, r, u);
        EACH(u, widths[layers]) AT(d, layers, r, u) = (AT(h, layers, r, u) / sum - (u == labels[r])) / n;
    }
    for (int l = layers; l > 0; l--) {
        if (l > 1) EACH(r, n) EACH(k, widths[l - 1]) {
            float sum = 0;
            EACH(u, widths[l]) sum += AT(d, l, r, u) * AT(w, l, k, u);
            AT(d, l - 1, r, k) = sum * slope_of(activations[l - 2], splat(AT(h, l - 1, r, k)))[0];
        }
        EACH(r, n) EACH(u, widths[l]) {
            EACH(k, widths[l - 1]) AT(w, l, k, u) -= rate * AT(h, l - 1, r, k) * AT(d, l, r, u);
            b[l][u] -= rate * AT(d, l, r, u);
        }
    }
}
#endif

/* ---- the network in its memory ----
   Matrices are stored in panels of PANEL columns: all rows of the first panel, then all rows of the next. */

typedef struct {
    int units, height;             /* height: rows of the weights' panels; the biases are in the last row */
    int activation;
    float keep;                    /* 1 - dropout */
    float *w, *m, *v;              /* [inputs + 1][units]: weights and the optimizer's first and second moments */
    float *h, *slope, *d;          /* [batch][units]: outputs, their slope, the loss' gradient before the activation */
    float *dt;                     /* [units][batch]: d transposed */
} Layer;

typedef struct { int a, b; } Term;  /* of a product: offsets in its matrices */

typedef struct {
    int layers, batch, height, threads, optimizer; /* height: rows of the batches' panels */
    float rate, a, b, not_a, not_b, epsilon;       /* of the optimizer; not_a: 1 - a */
    Term *by_rows, *by_columns;    /* inputs that are not zero: [batch / ROWS][inputs], [inputs / ROWS][batch] */
    int *terms;                    /* [batch / ROWS] */
    float *losses;                 /* [batch][2]: loss, is right */
    int waiting, asleep, turn;     /* of the barrier */
    Layer layer[MAX_LAYERS + 1];   /* layer[0].h is the input */
} Net;

INLINE int up(int n, int to) { return (n + to - 1) / to * to; }
INLINE size_t at(int height, int row, int column) {
    return ((size_t)(column / PANEL) * height + row) * PANEL + column % PANEL;
}

static void *take(char **memory, size_t rows, size_t columns) {
    void *taken = *memory;
    *memory += (rows * up(columns, PANEL) * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return taken;
}

/* Returns the end of what it used. */
static char *lay_out(Net *net, const int *widths, char *memory) {
    net->height = up(net->batch, ROWS) + ROWS;  /* not a power of two, so that panels do not share cache sets */
    net->by_rows = take(&memory, up(net->batch, ROWS) / ROWS, 2 * widths[0]);
    net->by_columns = take(&memory, up(widths[0], ROWS) / ROWS, 2 * net->batch);
    net->terms = take(&memory, 1, net->batch);
    net->losses = take(&memory, net->batch, 2);
    for (int l = 0; l <= net->layers; l++) {
        Layer *layer = &net->layer[l];
        layer->units = widths[l];
        layer->h = take(&memory, net->height, widths[l]);
        if (!l) continue;
        layer->height = up(up(widths[l - 1], ROWS) + 1, ROWS);
        layer->w = take(&memory, layer->height, widths[l]);
        layer->m = take(&memory, layer->height, widths[l]);
        layer->v = take(&memory, layer->height, widths[l]);
        layer->slope = take(&memory, net->height, widths[l]);
        layer->d = take(&memory, net->height, widths[l]);
        layer->dt = take(&memory, up(widths[l], PANEL), net->batch);
    }
    return memory;
}

API(dense_bytes) size_t dense_bytes(int layers, const int *widths, int batch) {
    Net net = {.layers = layers, .batch = batch};
    char *start = (char *)(size_t)ALIGNMENT;
    return lay_out(&net, widths, start) - start + up(sizeof(Net), ALIGNMENT);
}

API(dense_init) Net *dense_init(void *memory, int layers, const int *widths, const int *activations,
                                const float *dropout, int batch, int threads) {
    Net *net = memory;
    *net = (Net){.layers = layers, .batch = batch, .threads = threads};
    char *start = (char *)memory + up(sizeof(Net), ALIGNMENT), *end = lay_out(net, widths, start);
    for (char *p = start; p < end; p++) *p = 0;
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
        for (size_t i = 0, n = (size_t)layer->height * up(units, PANEL); i < n; i++)
            layer->w[i] = layer->m[i] = layer->v[i] = 0;
        for (uint32_t i = 0; i < inputs * units; i++) {
            uint32_t bits = random_bits(key, (U){} + i)[0];
            layer->w[at(layer->height, i / units, i % units)] = ((bits >> 8) * 0x1p-23f - 1) * limit;
        }
    }
}

API(dense_copy) void dense_copy(Net *net, int layer, int part, float *kernel, float *bias, int into) {
    const Layer *l = &net->layer[layer + 1];
    float *values = part == 0 ? l->w : part == 1 ? l->m : l->v;
    int inputs = net->layer[layer].units;
    for (int u = 0; u < l->units; u += PANEL)
        EACH(k, inputs + 1) {
            float *inside = values + at(l->height, k < inputs ? k : l->height - 1, u);
            float *outside = u + (k < inputs ? kernel + (size_t)k * l->units : bias);
            float *to = into ? inside : outside, *from = into ? outside : inside;
            EACH(j, MIN(l->units - u, PANEL)) to[j] = from[j];
        }
}

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

/* ---- threads ---- */

/* Sleep until another thread wakes this one, if *turn is still as it was; elsewhere let others run. */
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#define SLEEP(turn, is) syscall(SYS_futex, turn, 128, is, 0)
#define WAKE(turn) syscall(SYS_futex, turn, 129, INT32_MAX)
#else
#if defined __wasm__
#define sched_yield()
#elif defined _WIN32
__declspec(dllimport) int SwitchToThread(void);
#define sched_yield SwitchToThread
#else
#include <sched.h>
#endif
#define SLEEP(turn, is) sched_yield()
#define WAKE(turn)
#endif

/* All threads wait here for each other: they spin for some microseconds, for others may need their cores. */
static void barrier(Net *net) {
    if (net->threads == 1) return;
    int turn = net->turn;
    if (__atomic_add_fetch(&net->waiting, 1, __ATOMIC_ACQ_REL) == net->threads) {
        net->waiting = 0;
        __atomic_store_n(&net->turn, turn + 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&net->asleep, __ATOMIC_SEQ_CST)) { WAKE(&net->turn); }
    } else for (int spins = 0; __atomic_load_n(&net->turn, __ATOMIC_ACQUIRE) == turn; spins++)
        if (spins > MAX_SPINS) {
            __atomic_add_fetch(&net->asleep, 1, __ATOMIC_SEQ_CST);
            SLEEP(&net->turn, turn);
            __atomic_sub_fetch(&net->asleep, 1, __ATOMIC_SEQ_CST);
        }
}

/* This thread's share of n pieces of work */
#define SHARE(i, n) int i = (n) * thread / net->threads; i < (n) * (thread + 1) / net->threads; i++

/* ---- one step, fast ---- */

typedef struct {
    const void *x;
    int bytes;
    const uint8_t *labels;         /* null: there are none */
    const int *rows;
    int first, n;                  /* of rows */
} Batch;

INLINE size_t row_of(const Batch *batch, int r) {
    return batch->rows ? batch->rows[batch->first + r] : batch->first + r;
}

INLINE void convert(float *to, const void *x, int bytes, size_t from, int n) {
    if (bytes) EACH(j, n) to[j] = ((const uint8_t *)x)[from + j] * (1 / 255.f);
    else EACH(j, n) to[j] = ((const float *)x)[from + j];
}

/* layer[0].h = rows of x, with zeros below them; and where each ROWS rows have inputs that are not all zero */
OUTLINE void load(Net *net, const Batch *batch, int thread) {
    int width = net->layer[0].units;
    for (SHARE(block, up(batch->n, ROWS) / ROWS)) {
        Term *terms = net->by_rows + (size_t)block * width, *end = terms;
        for (int k = 0; k < width; k += PANEL) {
            float *h = net->layer[0].h + at(net->height, block * ROWS, k);
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
}

/* c[i] += sum of a[i * si + k * sk] * b[k * PANEL] over k < n, or of the given terms, for ROWS rows i and one panel */
INLINE void multiply(V c[ROWS][2], const float *a, size_t si, size_t sk, const float *b, int n, const Term *terms) {
    EACH(k, n) {
        const float *ak = a + (terms ? (size_t)terms[k].a : k * sk);
        const V *bk = (const V *)(b + (terms ? terms[k].b : k * PANEL));
        V b0 = bk[0], b1 = bk[1];
#pragma unroll
        EACH(i, ROWS) {
            V x = splat(ak[i * si]);
            c[i][0] += x * b0;
            c[i][1] += x * b1;
        }
    }
}

/* Outputs and slopes of LANES units of one row, from z = inputs * weights + bias. key: of dropout, or null */
INLINE void activate(Net *net, const Layer *layer, V z, int row, int unit, const uint32_t *key) {
    V h = activated(layer->activation, z), slope = slope_of(layer->activation, h), scale = splat(1);
    if (key && layer->keep < 1) {
        U bits = random_bits(key, lanes() + (uint32_t)(row * layer->units + unit));
        U limit = (U){} + (uint32_t)__builtin_ceil(layer->keep * 0x1p23);  /* JAX's uniform numbers have 23 bits */
        scale = select((I)(bits >> 9 < limit), splat(1 / layer->keep), splat(0));
    }
    if (unit + LANES > layer->units) {  /* beyond the last unit is nothing */
        I inside = (I)(lanes() + (uint32_t)unit < (U){} + (uint32_t)layer->units);
        h = select(inside, h, splat(0));
    }
    size_t i = at(net->height, row, unit);
    *(V *)(layer->h + i) = select(scale == 0, scale, h * scale);
    *(V *)(layer->slope + i) = slope * scale;
}

OUTLINE void forward(Net *net, int l, int n, const uint32_t *keys, uint32_t step, int thread) {
    const Layer *layer = &net->layer[l], *below = layer - 1;
    int blocks = up(n, ROWS) / ROWS, panels = up(layer->units, PANEL) / PANEL;
    uint32_t key[2] = {keys ? keys[2 * (l - 1)] : 0, keys ? keys[2 * (l - 1) + 1] + step : 0};
    for (SHARE(i, panels * blocks)) {
        int block = i % blocks, r = block * ROWS, p = i / blocks;
        const float *w = layer->w + (size_t)p * layer->height * PANEL;
        const V *bias = (const V *)(w + (layer->height - 1) * PANEL);
        V c[ROWS][2];
        EACH(j, ROWS) c[j][0] = bias[0], c[j][1] = bias[1];
        if (l == 1) {
            const Term *terms = net->by_rows + (size_t)block * below->units;
            multiply(c, below->h + r * PANEL, PANEL, 0, w, net->terms[block], terms);
        } else for (int k = 0; k < below->units; k += PANEL) {
            int width = MIN(below->units - k, PANEL);
            multiply(c, below->h + at(net->height, r, k), PANEL, 1, w + k * PANEL, width, 0);
        }
        EACH(j, ROWS) EACH(half, 2)
            activate(net, layer, c[j][half], r + j, p * PANEL + half * LANES, keys ? key : 0);
    }
}

/* Softmax, cross-entropy and its gradient, as Keras: probabilities count as at least 1e-7 and at most 1 - 1e-7. */
static void finish(Net *net, const Batch *batch, int thread) {
    const Layer *last = &net->layer[net->layers];
    int units = last->units;
#define H(u) last->h[at(net->height, r, u)]
    for (SHARE(r, batch->n)) {
        int label = batch->labels ? batch->labels[row_of(batch, r)] : 0, best = 0;
        float sum = 0;
        EACH(u, units) if (H(u) > H(best)) best = u;
        float max = H(best);
        EACH(u, units) sum += H(u) = exponential(splat(H(u) - max))[0];
        EACH(u, units) H(u) /= sum;
        float p = H(label), clipped = p < 1e-7f ? 1e-7f : p > 1 - 1e-7f ? 1 - 1e-7f : p;
        EACH(u, units)
            last->d[at(net->height, r, u)] = last->dt[at(up(units, PANEL), u, r)] =
                p < clipped || p > clipped ? 0 : (H(u) - (u == label)) / batch->n;
        net->losses[2 * r] = p != p ? p : -logarithm(clipped);
        net->losses[2 * r + 1] = best == label;
    }
#undef H
}

/* Outputs of layers 1 ... to, of the last one also losses and their gradient. keys: of dropout, or null */
static void predict(Net *net, const Batch *batch, int to, const uint32_t *keys, uint32_t step, int thread) {
    load(net, batch, thread);
    for (int l = 1; l <= to; l++) {
        barrier(net);
        forward(net, l, batch->n, keys, step, thread);
    }
    barrier(net);
    if (to < net->layers) return;
    finish(net, batch, thread);
    barrier(net);
}

/* d of the layer below, for ROWS of its units from k on; sums: if given, only the sum of each unit is added there. */
OUTLINE void backward(Net *net, int l, int n, int k, float *sums) {
    const Layer *layer = &net->layer[l], *below = layer - 1;
    int height = up(layer->units, PANEL), below_height = up(below->units, PANEL);
    for (int q = 0; q < n; q += PANEL) {
        V c[ROWS][2] = {};
        for (int u = 0; u < layer->units; u += PANEL) {
            int width = MIN(layer->units - u, PANEL);
            multiply(c, layer->w + at(layer->height, k, u), PANEL, 1, layer->dt + at(height, u, q), width, 0);
        }
        for (int i = 0; i < ROWS && k + i < below->units; i++)
            for (int r = q; r < n && r < q + PANEL; r++) {
                float d = ((float *)c[i])[r - q];
                size_t j = at(net->height, r, k + i);
                if (sums) sums[k + i] += d;
                else below->d[j] = below->dt[at(below_height, k + i, r)] = d * below->slope[j];
            }
    }
}

/* The optimizer's change of LANES weights by their gradient g, as Keras. */
INLINE void change(const Net *net, float rate, float *w, float *m, float *v, V g) {
    V *weight = (V *)w, *first = (V *)m, *second = (V *)v;
    if (net->optimizer == ADAM) {
        *first += (g - *first) * net->not_a;
        *second += (g * g - *second) * net->not_b;
        *weight -= *first * rate / (__builtin_elementwise_sqrt(*second) + net->epsilon);
    } else if (net->optimizer == RMSPROP) {
        *second = net->a * *second + net->not_a * g * g;
        *weight -= rate * g / __builtin_elementwise_sqrt(*second + net->epsilon);
    } else {
        *first = *first * net->a - g * rate;
        *weight += *first;
    }
}

/* Gradient and change of the weights from ROWS inputs, from k on, to one panel of units. */
OUTLINE void update(Net *net, int l, int n, int k, int p, float rate, const Term *terms) {
    const Layer *layer = &net->layer[l];
    const float *d = layer->d + (size_t)p * net->height * PANEL, *h = layer[-1].h + at(net->height, 0, k);
    size_t o = ((size_t)p * layer->height + k) * PANEL;
    for (int i = 0; i < 2 * ROWS * LANES; i += 16) {
        __builtin_prefetch(layer->w + o + ROWS * PANEL + i);
        __builtin_prefetch(layer->m + o + ROWS * PANEL + i);
        __builtin_prefetch(layer->v + o + ROWS * PANEL + i);
    }
    V c[ROWS][2] = {};
    if (terms) multiply(c, h, 1, 0, d, n, terms);
    else multiply(c, h, 1, PANEL, d, n, 0);
    for (int i = 0; i < 2 * ROWS; i++, o += LANES)
        change(net, rate, layer->w + o, layer->m + o, layer->v + o, c[i / 2][i % 2]);
}

static void update_bias(Net *net, int l, int n, int p, float rate) {
    const Layer *layer = &net->layer[l];
    const V *d = (const V *)(layer->d + (size_t)p * net->height * PANEL);
    size_t o = ((size_t)(p + 1) * layer->height - 1) * PANEL;
    for (int half = 0; half < 2; half++, o += LANES) {
        V sum = {};
        EACH(r, n) sum += d[2 * r + half];
        change(net, rate, layer->w + o, layer->m + o, layer->v + o, sum);
    }
}

/* The rows with inputs k ... k + ROWS - 1 that are not all zero. */
static int find_rows(const Net *net, int n, int k, Term *terms) {
    const uint64_t *h = (const uint64_t *)(net->layer[0].h + at(net->height, 0, k));
    Term *end = terms;
    for (int r = 0; r < n; r++, h += PANEL / 2) {
        uint64_t any = 0;
        EACH(i, ROWS / 2) any |= h[i];
        *end = (Term){r * PANEL, r * PANEL};
        end += any != 0;
    }
    return (int)(end - terms);
}

/* ---- what is called ---- */

API(dense_train) void dense_train(Net *net, const void *x, int bytes, const uint8_t *labels, const int *rows, int steps,
                                  int n, int first, const uint32_t *keys, float *sums, int thread) {
    EACH(s, steps) {
        Batch batch = {x, bytes, labels, rows, s * n, n};
        predict(net, &batch, net->layers, keys, s, thread);
        if (!thread) {
            float loss = 0;
            EACH(r, n) loss += net->losses[2 * r], sums[1] += net->losses[2 * r + 1];
            sums[0] += loss;
        }
        if (!keys) continue;
        float rate = net->rate;
        if (net->optimizer == ADAM) {  /* in float32, as Keras */
            float a = (float)power_of(net->a, first + s + 1), b = (float)power_of(net->b, first + s + 1);
            rate = rate * __builtin_sqrtf(1 - b) / (1 - a);
        }
        for (int l = net->layers; l > 0; l--) {
            int panels = up(net->layer[l].units, PANEL) / PANEL;
            for (SHARE(i, up(net->layer[l - 1].units, ROWS) / ROWS)) {
                if (l > 1) backward(net, l, n, i * ROWS, 0);
                Term *terms = l > 1 ? 0 : net->by_columns + (size_t)i * net->batch;
                int count = l > 1 ? n : find_rows(net, n, i * ROWS, terms);
                EACH(p, panels) update(net, l, count, i * ROWS, p, rate, terms);
            }
            for (SHARE(p, panels)) update_bias(net, l, n, p, rate);
            barrier(net);
        }
    }
}

API(dense_outputs) void dense_outputs(Net *net, const void *x, int bytes, const int *rows, int n, int layer,
                                      float *out) {
    const Layer *wanted = &net->layer[layer + 1];
    for (int i = 0; i < n; i += net->batch) {
        Batch batch = {x, bytes, 0, rows, i, MIN(n - i, net->batch)};
        predict(net, &batch, layer + 1, 0, 0, 0);
        EACH(r, batch.n) EACH(u, wanted->units) *out++ = wanted->h[at(net->height, r, u)];
    }
}

API(dense_gradient) void dense_gradient(Net *net, const void *x, int bytes, const int *rows, int n, int layer, int unit,
                                        float *out) {
    const Layer *wanted = &net->layer[layer + 1];
    int inputs = net->layer[0].units, is_last = layer + 1 == net->layers;
    EACH(k, inputs) out[k] = 0;
    for (int i = 0; i < n; i += net->batch) {
        Batch batch = {x, bytes, 0, rows, i, MIN(n - i, net->batch)};
        predict(net, &batch, layer + 1, 0, 0, 0);
        EACH(r, batch.n) EACH(u, wanted->units) {  /* the slope of the unit's output by each of the layer's sums */
            size_t at_u = at(net->height, r, u), at_unit = at(net->height, r, unit);
            float slope = u == unit ? wanted->slope[at_u] : 0;
            if (is_last) slope = wanted->h[at_unit] * ((u == unit) - wanted->h[at_u]);
            wanted->dt[at(up(wanted->units, PANEL), u, r)] = slope;
        }
        for (int l = layer + 1; l > 0; l--)
            for (int k = 0; k < net->layer[l - 1].units; k += ROWS) backward(net, l, batch.n, k, l > 1 ? 0 : out);
    }
    EACH(k, inputs) out[k] /= n;
}
