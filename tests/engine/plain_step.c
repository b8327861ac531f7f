/* The mathematics of a step of dense.c, plainly, for the tests: users do not get it.
   A net's settings for matrices of another layout: w, m, v: float32[inputs + 1][units] of each layer, the biases in the
   last row; h, d: float32[n][units], outputs (h[0]: inputs) and gradients. t: number of the step, 1 and up */

#include "dense.c"

#define UNITS(l) net->layer[l].units
#define AT(matrix, l, row, column) matrix[l][(row) * UNITS(l) + (column)]

/* What dropout multiplies the output of a unit with */
static float plain_scale(const Net *net, const uint32_t *keys, int l, int row, int unit) {
    float keep = net->layer[l].keep;
    uint32_t bits = random_bits(keys + 2 * l - 2, (U){} + (uint32_t)(row * UNITS(l) + unit))[0];
    return keep == 1 ? 1 : bits >> 9 < __builtin_ceil(keep * 0x1p23) ? 1 / keep : 0;
}

static void plain_optimizer_step(const Net *net, float *w, float *m, float *v, float g, int t) {
    if (net->optimizer == ADAM) {
        *m = net->a * *m + (1 - net->a) * g;
        *v = net->b * *v + (1 - net->b) * g * g;
        double rate = net->rate * __builtin_sqrt(1 - power_of(net->b, t)) / (1 - power_of(net->a, t));
        *w -= rate * *m / (__builtin_sqrtf(*v) + net->epsilon);
    } else if (net->optimizer == RMSPROP) {
        *v = net->a * *v + (1 - net->a) * g * g;
        *w -= net->rate * g / __builtin_sqrtf(*v + net->epsilon);
    } else {
        *m = net->a * *m - net->rate * g;
        *w += *m;
    }
}

API(dense_plain_step) void dense_plain_step(const Net *net, float **w, float **m, float **v, float **h, float **d,
                                            const uint8_t *labels, int n, const uint32_t *keys, int t) {
    int last = net->layers;
    for (int l = 1; l <= last; l++) EACH(r, n) EACH(u, UNITS(l)) {
        float z = AT(w, l, UNITS(l - 1), u);
        EACH(k, UNITS(l - 1)) z += AT(h, l - 1, r, k) * AT(w, l, k, u);
        float out = (l < last ? activated(net->layer[l].activation, splat(z)) : exponential(splat(z)))[0];
        AT(h, l, r, u) = out * plain_scale(net, keys, l, r, u);
    }
    EACH(r, n) {  /* softmax, and the gradient of the mean cross-entropy before it */
        float sum = 0;
        EACH(u, UNITS(last)) sum += AT(h, last, r, u);
        EACH(u, UNITS(last)) AT(d, last, r, u) = (AT(h, last, r, u) / sum - (u == labels[r])) / n;
    }
    for (int l = last; l > 0; l--) {
        if (l > 1) EACH(r, n) EACH(k, UNITS(l - 1)) {
            float sum = 0, scale = plain_scale(net, keys, l - 1, r, k), out = scale ? AT(h, l - 1, r, k) / scale : 0;
            EACH(u, UNITS(l)) sum += AT(d, l, r, u) * AT(w, l, k, u);
            AT(d, l - 1, r, k) = sum * scale * slope_of(net->layer[l - 1].activation, splat(out))[0];
        }
        EACH(k, UNITS(l - 1) + 1) EACH(u, UNITS(l)) {
            float g = 0;
            EACH(r, n) g += (k < UNITS(l - 1) ? AT(h, l - 1, r, k) : 1) * AT(d, l, r, u);
            plain_optimizer_step(net, &AT(w, l, k, u), &AT(m, l, k, u), &AT(v, l, k, u), g, t);
        }
    }
}
