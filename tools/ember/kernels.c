// What the training does between its matrix products, each in one pass over memory: see kernels.py, which builds and calls this.
// Numbers of 16 bits are bfloat16. Rows are shared among the threads; every result is the same with any number of them, but for sums over rows.
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t half;

static inline float wide(half value) {
    uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, 4);
    return result;
}

static inline half narrow(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (half)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// ---- RMS norm ----

void norm_forward(const float* x, const float* weight, half* y, float* inverse, long rows, long width,
                  float epsilon) {
#pragma omp parallel for schedule(static)
    for (long row = 0; row < rows; ++row) {
        const float* in = x + row * width;
        half* out = y + row * width;
        float sum = 0;
        for (long i = 0; i < width; ++i)
            sum += in[i] * in[i];
        const float scale = 1 / sqrtf(sum / width + epsilon);
        inverse[row] = scale;
        for (long i = 0; i < width; ++i)
            out[i] = narrow(in[i] * scale * weight[i]);
    }
}

// weight_gradient has `parts` rows, which the caller adds up.
void norm_backward(const half* dy, const float* x, const float* weight, const float* inverse, float* dx,
                   float* weight_gradient, long parts, long rows, long width) {
#pragma omp parallel for schedule(static)
    for (long part = 0; part < parts; ++part) {
        float* gradient = weight_gradient + part * width;
        memset(gradient, 0, width * sizeof(float));
        for (long row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {
            const half* d = dy + row * width;
            const float* in = x + row * width;
            float* out = dx + row * width;
            const float scale = inverse[row];
            float dot = 0;
            for (long i = 0; i < width; ++i) {
                dot += wide(d[i]) * weight[i] * in[i];
                gradient[i] += wide(d[i]) * in[i] * scale;
            }
            const float common = dot * scale * scale * scale / width;
            for (long i = 0; i < width; ++i)
                out[i] = wide(d[i]) * weight[i] * scale - in[i] * common;
        }
    }
}

// ---- dropout, and the sum with what went around ----

static inline uint32_t mixed(uint32_t value) {
    value ^= value >> 16;
    value *= 0x7feb352dU;
    value ^= value >> 15;
    value *= 0x846ca68bU;
    return value ^ (value >> 16);
}

// Of 2^24, how many numbers are dropped: `dropped`.
void add_forward(const float* x, const half* y, float* sum, long count, uint32_t seed, uint32_t dropped,
                 float scale) {
#pragma omp parallel for schedule(static)
    for (long block = 0; block < (count + 4095) / 4096; ++block) {
        const long end = count < (block + 1) * 4096 ? count : (block + 1) * 4096;
        for (long i = block * 4096; i < end; ++i) {
            const float kept = (mixed((uint32_t)i ^ seed) >> 8) >= dropped ? scale : 0;
            sum[i] = x[i] + wide(y[i]) * kept;
        }
    }
}

void add_backward(const float* gradient, half* dy, long count, uint32_t seed, uint32_t dropped, float scale) {
#pragma omp parallel for schedule(static)
    for (long block = 0; block < (count + 4095) / 4096; ++block) {
        const long end = count < (block + 1) * 4096 ? count : (block + 1) * 4096;
        for (long i = block * 4096; i < end; ++i) {
            const float kept = (mixed((uint32_t)i ^ seed) >> 8) >= dropped ? scale : 0;
            dy[i] = narrow(gradient[i] * kept);
        }
    }
}

// ---- SwiGLU: gate and up stand beside each other ----

void swiglu_forward(const half* in, half* out, long rows, long width) {
#pragma omp parallel for schedule(static)
    for (long row = 0; row < rows; ++row) {
        const half *gate = in + row * 2 * width, *up = gate + width;
        half* y = out + row * width;
        for (long i = 0; i < width; ++i) {
            const float g = wide(gate[i]);
            y[i] = narrow(g / (1 + expf(-g)) * wide(up[i]));
        }
    }
}

void swiglu_backward(const half* in, const half* dy, half* din, long rows, long width) {
#pragma omp parallel for schedule(static)
    for (long row = 0; row < rows; ++row) {
        const half *gate = in + row * 2 * width, *up = gate + width, *d = dy + row * width;
        half *dgate = din + row * 2 * width, *dup = dgate + width;
        for (long i = 0; i < width; ++i) {
            const float g = wide(gate[i]), s = 1 / (1 + expf(-g)), e = wide(d[i]);
            dgate[i] = narrow(e * wide(up[i]) * s * (1 + g * (1 - s)));
            dup[i] = narrow(e * g * s);
        }
    }
}

// ---- attention: what stands around the products ----
// in: rows x length x (heads + 2 groups) x size. q: rows x groups x (heads / groups) x length x size, turned and scaled; k, v: rows x groups x length x size.

void split_turned(const half* in, const float* cosine, const float* sine, half* q, half* k, half* v,
                  long rows, long length, long heads, long groups, long size, float scale) {
    const long all = heads + 2 * groups;
#pragma omp parallel for schedule(static) collapse(2)
    for (long row = 0; row < rows; ++row)
        for (long head = 0; head < all; ++head)
            for (long at = 0; at < length; ++at) {
                const half* from = in + ((row * length + at) * all + head) * size;
                if (head >= heads + groups) {
                    half* to = v + ((row * groups + head - heads - groups) * length + at) * size;
                    for (long i = 0; i < size; ++i)
                        to[i] = from[i];
                    continue;
                }
                half* to = head < heads ? q + ((row * heads + head) * length + at) * size
                                        : k + ((row * groups + head - heads) * length + at) * size;
                const float factor = head < heads ? scale : 1;
                const float *c = cosine + at * size / 2, *s = sine + at * size / 2;
                for (long i = 0; i < size / 2; ++i) {
                    const float even = wide(from[2 * i]), odd = wide(from[2 * i + 1]);
                    to[2 * i] = narrow((even * c[i] - odd * s[i]) * factor);
                    to[2 * i + 1] = narrow((even * s[i] + odd * c[i]) * factor);
                }
            }
}

void joined_turned(const half* dq, const half* dk, const half* dv, const float* cosine, const float* sine,
                   half* din, long rows, long length, long heads, long groups, long size, float scale) {
    const long all = heads + 2 * groups;
#pragma omp parallel for schedule(static) collapse(2)
    for (long row = 0; row < rows; ++row)
        for (long head = 0; head < all; ++head)
            for (long at = 0; at < length; ++at) {
                half* to = din + ((row * length + at) * all + head) * size;
                if (head >= heads + groups) {
                    const half* from = dv + ((row * groups + head - heads - groups) * length + at) * size;
                    for (long i = 0; i < size; ++i)
                        to[i] = from[i];
                    continue;
                }
                const half* from = head < heads ? dq + ((row * heads + head) * length + at) * size
                                                : dk + ((row * groups + head - heads) * length + at) * size;
                const float factor = head < heads ? scale : 1;
                const float *c = cosine + at * size / 2, *s = sine + at * size / 2;
                for (long i = 0; i < size / 2; ++i) {
                    const float even = wide(from[2 * i]), odd = wide(from[2 * i + 1]);
                    to[2 * i] = narrow((even * c[i] + odd * s[i]) * factor);
                    to[2 * i + 1] = narrow((odd * c[i] - even * s[i]) * factor);
                }
            }
}

// scores: blocks x length x length, in place; each position sees those up to itself.
void softmax_forward(half* scores, long blocks, long length) {
#pragma omp parallel for schedule(static)
    for (long block = 0; block < blocks; ++block) {
        float values[length];
        for (long at = 0; at < length; ++at) {
            half* row = scores + (block * length + at) * length;
            float most = -INFINITY, sum = 0;
            for (long i = 0; i <= at; ++i) {
                values[i] = wide(row[i]);
                most = values[i] > most ? values[i] : most;
            }
            for (long i = 0; i <= at; ++i) {
                values[i] = expf(values[i] - most);
                sum += values[i];
            }
            const float scale = 1 / sum;
            for (long i = 0; i <= at; ++i)
                row[i] = narrow(values[i] * scale);
            memset(row + at + 1, 0, (length - at - 1) * sizeof(half));
        }
    }
}

void softmax_backward(const half* shares, half* gradient, long blocks, long length) {
#pragma omp parallel for schedule(static)
    for (long block = 0; block < blocks; ++block)
        for (long at = 0; at < length; ++at) {
            const half* share = shares + (block * length + at) * length;
            half* row = gradient + (block * length + at) * length;
            float dot = 0;
            for (long i = 0; i <= at; ++i)
                dot += wide(share[i]) * wide(row[i]);
            for (long i = 0; i <= at; ++i)
                row[i] = narrow(wide(share[i]) * (wide(row[i]) - dot));
            memset(row + at + 1, 0, (length - at - 1) * sizeof(half));
        }
}

// heads x length x size of each row, and length x heads x size.
void heads_joined(const half* in, half* out, long rows, long length, long heads, long size) {
#pragma omp parallel for schedule(static) collapse(2)
    for (long row = 0; row < rows; ++row)
        for (long head = 0; head < heads; ++head)
            for (long at = 0; at < length; ++at) {
                const half* from = in + ((row * heads + head) * length + at) * size;
                half* to = out + ((row * length + at) * heads + head) * size;
                for (long i = 0; i < size; ++i)
                    to[i] = from[i];
            }
}

void heads_split(const half* in, half* out, long rows, long length, long heads, long size) {
#pragma omp parallel for schedule(static) collapse(2)
    for (long row = 0; row < rows; ++row)
        for (long head = 0; head < heads; ++head)
            for (long at = 0; at < length; ++at) {
                half* to = out + ((row * heads + head) * length + at) * size;
                const half* from = in + ((row * length + at) * heads + head) * size;
                for (long i = 0; i < size; ++i)
                    to[i] = from[i];
            }
}

// ---- loss: in place of the scores stands their gradient of the mean loss afterwards ----

void cross_entropy(half* scores, const int64_t* targets, float* losses, long rows, long width) {
#pragma omp parallel for schedule(static)
    for (long row = 0; row < rows; ++row) {
        half* line = scores + row * width;
        float values[width];
        float most = -INFINITY, sum = 0;
        for (long i = 0; i < width; ++i) {
            values[i] = wide(line[i]);
            most = values[i] > most ? values[i] : most;
        }
        const float right = values[targets[row]];
        for (long i = 0; i < width; ++i) {
            values[i] = expf(values[i] - most);
            sum += values[i];
        }
        losses[row] = logf(sum) + most - right;
        const float scale = 1 / (sum * rows);
        values[targets[row]] -= sum;
        for (long i = 0; i < width; ++i)
            line[i] = narrow(values[i] * scale);
    }
}

// ---- AdamW (Loshchilov and Hutter 2019), each weight in one pass ----
// `scale` clips the gradient; the corrections are those of Adam for the first steps: 1 - beta1^step, and the root of 1 - beta2^step.

void adamw(float* weight, const float* gradient, float* mean, float* square, long count, float scale,
           float rate, float decay, float beta1, float beta2, float mean_correction, float square_correction,
           float epsilon) {
#pragma omp parallel for simd schedule(static) if (count > 16384)
    for (long i = 0; i < count; ++i) {
        const float g = gradient[i] * scale;
        const float m = beta1 * mean[i] + (1 - beta1) * g, v = beta2 * square[i] + (1 - beta2) * g * g;
        mean[i] = m;
        square[i] = v;
        weight[i] = weight[i] * (1 - rate * decay) -
                    rate / mean_correction * m / (sqrtf(v) / square_correction + epsilon);
    }
}
