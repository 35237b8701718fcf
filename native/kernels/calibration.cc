#include "kernels/calibration.h"

#include "kernels/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <new>
#include <vector>

namespace {

constexpr int32_t N_HEAVY = 256; // tokens with the most mass that stand for the softmax half of the weights
constexpr int32_t N_EVEN = 256;  // evenly spread tokens that stand for the uniform half

struct weighted_token {
    int32_t index;
    float weight;
};

float float_from_half(uint16_t x) {
    const uint32_t sign = (uint32_t) (x & 0x8000) << 16;
    const uint32_t size = x & 0x7fff;
    if (size >= 0x7c00) { // infinity, NaN
        return std::bit_cast<float>(sign | 0x7f800000 | (size & 0x3ff) << 13);
    }
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(std::bit_cast<float>(size << 13) * 0x1p112f));
}

} // namespace

struct fasa_calibrator {
    int32_t n_layer;
    int32_t n_kv_head;
    int32_t n_group;
    int32_t head_size;
    bool neox;

    std::vector<double> covariance; // [n_layer][n_kv_head][d/2][d/2], lower triangles

    // scratch of one observation
    std::vector<int32_t> channels; // 0 .. d-1
    std::vector<float> scaled;     // [n_group][d]
    std::vector<float> logits;     // [n_group][n_past]
    std::vector<float> mass;       // [n_past]
    std::vector<int32_t> heavy;
    std::vector<uint8_t> top_k;
    std::vector<weighted_token> tokens;
    std::vector<float> rows;   // [tokens][d]
    std::vector<float> scores; // [tokens][d/2]
    std::vector<float> sum;    // [d/2][d/2]

    int32_t n_fc() const { return head_size / 2; }
    size_t matrix_at(int32_t il, int32_t g) const { return ((size_t) il * n_kv_head + g) * n_fc() * n_fc(); }
    int32_t dim(int32_t fc, int32_t part) const { return neox ? fc + part * n_fc() : 2 * fc + part; }
};

fasa_calibrator * fasa_calibrator_new(int32_t n_layer, int32_t n_kv_head, int32_t n_group, int32_t head_size, bool neox) {
    if (n_layer < 1 || n_kv_head < 1 || n_group < 1 || head_size < 2 || head_size > FASA_HEAD_SIZE_MAX || head_size % 2) {
        return nullptr;
    }
    try {
        auto calibrator = std::make_unique<fasa_calibrator>();
        calibrator->n_layer = n_layer;
        calibrator->n_kv_head = n_kv_head;
        calibrator->n_group = n_group;
        calibrator->head_size = head_size;
        calibrator->neox = neox;
        const size_t n_fc = head_size / 2;
        calibrator->covariance.resize((size_t) n_layer * n_kv_head * n_fc * n_fc);
        calibrator->sum.resize(n_fc * n_fc);
        for (int32_t c = 0; c < head_size; c++) {
            calibrator->channels.push_back(c);
        }
        return calibrator.release();
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void fasa_calibrator_free(fasa_calibrator * calibrator) {
    delete calibrator;
}

// Tokens that stand for all n: those with the most of the group's mass, and evenly spread ones. Their weights sum to 1.
static void tokens_choose(fasa_calibrator & c, const fasa_kernels & kernels, int32_t n) {
    const int32_t n_heavy = std::min(N_HEAVY, n);
    c.heavy.resize(n_heavy);
    c.top_k.resize(fasa_top_k_scratch_bytes(n));
    kernels.top_k(c.mass.data(), 0, n, n_heavy, c.heavy.data(), c.top_k.data());
    double total = 0;
    for (const int32_t t : c.heavy) {
        total += c.mass[t];
    }
    c.tokens.clear();
    for (const int32_t t : c.heavy) {
        c.tokens.push_back({ t, total > 0 ? (float) (0.5 * c.mass[t] / total) : 0.5f / n_heavy });
    }
    const int32_t n_even = std::min(N_EVEN, n);
    for (int32_t i = 0; i < n_even; i++) {
        c.tokens.push_back({ (int32_t) ((int64_t) i * n / n_even), 0.5f / n_even }); // a token may come twice
    }
}

// Adds the weighted covariance of one query head's FC scores over the chosen tokens to total (lower triangle), divided by
// the variance of the whole logit: so that each query counts the same, however peaked its logits are.
static void covariance_add(fasa_calibrator & c, const float * q, double * total) {
    const int32_t n_fc = c.n_fc();
    const int32_t d = c.head_size;
    std::vector<float> & scores = c.scores;
    scores.resize(c.tokens.size() * n_fc);
    float mean[FASA_HEAD_SIZE_MAX / 2] = { 0 };
    for (size_t t = 0; t < c.tokens.size(); t++) {
        const float * row = c.rows.data() + t * d;
        for (int32_t i = 0; i < n_fc; i++) {
            const int32_t x = c.dim(i, 0);
            const int32_t y = c.dim(i, 1);
            const float s = q[x] * row[x] + q[y] * row[y];
            scores[t * n_fc + i] = s;
            mean[i] += c.tokens[t].weight * s;
        }
    }
    std::fill(c.sum.begin(), c.sum.end(), 0.0f);
    double variance = 0;
    for (size_t t = 0; t < c.tokens.size(); t++) {
        float * s = scores.data() + t * n_fc;
        double logit = 0;
        for (int32_t i = 0; i < n_fc; i++) {
            s[i] -= mean[i];
            logit += s[i];
        }
        variance += c.tokens[t].weight * logit * logit;
        for (int32_t i = 0; i < n_fc; i++) {
            const float weighted = c.tokens[t].weight * s[i];
            float * sum = c.sum.data() + (size_t) i * n_fc;
            for (int32_t j = 0; j <= i; j++) {
                sum[j] += weighted * s[j];
            }
        }
    }
    if (!(variance > 1e-12) || !std::isfinite(variance)) {
        return; // all tokens have the same logit, or not a number: this query says nothing
    }
    for (size_t i = 0; i < c.sum.size(); i++) {
        total[i] += c.sum[i] / variance;
    }
}

void fasa_calibrator_observe(fasa_calibrator * calibrator, int32_t il, const float * q, const uint16_t * const * keys,
    size_t row_stride, int32_t n_past) {
    fasa_calibrator & c = *calibrator;
    if (il < 0 || il >= c.n_layer || n_past < 1) {
        return;
    }
    const fasa_kernels & kernels = *fasa_kernels_best();
    const int32_t d = c.head_size;
    const float scale = 1 / std::sqrt((float) d);
    c.scaled.resize((size_t) c.n_group * d);
    c.logits.resize((size_t) c.n_group * n_past);
    c.mass.resize(n_past);
    for (int32_t g = 0; g < c.n_kv_head; g++) {
        for (size_t i = 0; i < c.scaled.size(); i++) {
            c.scaled[i] = scale * q[(size_t) g * c.n_group * d + i];
        }
        kernels.tip_rows(c.scaled.data(), c.n_group, c.channels.data(), d, keys[g], row_stride, n_past, c.logits.data(), n_past);
        kernels.importance(c.logits.data(), n_past, c.n_group, n_past, c.mass.data());
        tokens_choose(c, kernels, n_past);
        c.rows.resize(c.tokens.size() * d);
        for (size_t t = 0; t < c.tokens.size(); t++) {
            const uint16_t * row = keys[g] + c.tokens[t].index * row_stride;
            for (int32_t i = 0; i < d; i++) {
                c.rows[t * d + i] = float_from_half(row[i]);
            }
        }
        for (int32_t h = 0; h < c.n_group; h++) {
            covariance_add(c, c.scaled.data() + (size_t) h * d, c.covariance.data() + c.matrix_at(il, g));
        }
    }
}

// The set that leaves little variance behind: greedily grown, then improved by exchanging one FC for another as long as
// that helps. Ties go to the lower index. covariance: lower triangle [n_fc][n_fc]; in: [n_fc]
static void set_choose(const double * covariance, int32_t n_fc, int32_t n_dominant, std::vector<bool> & in) {
    const auto at = [&](int32_t i, int32_t j) { return i >= j ? covariance[i * n_fc + j] : covariance[j * n_fc + i]; };
    in.assign(n_fc, false);
    // left[i]: covariance of FC i with the sum of all that is left out; the variance left is their sum over left out i
    std::vector<double> left(n_fc, 0.0);
    for (int32_t i = 0; i < n_fc; i++) {
        for (int32_t j = 0; j < n_fc; j++) {
            left[i] += at(i, j);
        }
    }
    const auto move = [&](int32_t i, bool into) {
        in[i] = into;
        for (int32_t j = 0; j < n_fc; j++) {
            left[j] += into ? -at(i, j) : at(i, j);
        }
    };
    for (int32_t k = 0; k < n_dominant; k++) {
        int32_t best = -1;
        double largest = 0;
        for (int32_t i = 0; i < n_fc; i++) {
            const double gain = 2 * left[i] - at(i, i); // by taking i in
            if (!in[i] && (best < 0 || gain > largest)) {
                best = i;
                largest = gain;
            }
        }
        move(best, true);
    }
    for (int32_t round = 0; round < 4 * n_fc; round++) {
        int32_t take = -1, leave = -1;
        double largest = 0;
        for (int32_t i = 0; i < n_fc; i++) {
            for (int32_t j = 0; j < n_fc; j++) {
                if (in[i] || !in[j]) {
                    continue;
                }
                const double gain = 2 * left[i] - at(i, i) - 2 * left[j] - at(j, j) + 2 * at(i, j);
                if (gain > largest) {
                    take = i;
                    leave = j;
                    largest = gain;
                }
            }
        }
        double variance = 0;
        for (int32_t i = 0; i < n_fc; i++) {
            variance += at(i, i);
        }
        if (take < 0 || largest <= 1e-9 * variance) { // what is left is rounding
            return;
        }
        move(take, true);
        move(leave, false);
    }
}

double * fasa_calibrator_sums(fasa_calibrator * calibrator, size_t * n) {
    *n = calibrator->covariance.size();
    return calibrator->covariance.data();
}

void fasa_calibrator_choose(const fasa_calibrator * calibrator, int32_t n_dominant, int32_t * out) {
    const fasa_calibrator & c = *calibrator;
    std::vector<bool> in;
    for (int32_t il = 0; il < c.n_layer; il++) {
        for (int32_t g = 0; g < c.n_kv_head; g++) {
            set_choose(c.covariance.data() + c.matrix_at(il, g), c.n_fc(), std::min(n_dominant, c.n_fc()), in);
            for (int32_t i = 0; i < c.n_fc(); i++) {
                if (in[i]) {
                    *out++ = i;
                }
            }
        }
    }
}

void fasa_channels_from_fcs(const int32_t * fcs, int32_t n_fcs, int32_t head_size, bool neox, int32_t * out) {
    for (int32_t i = 0; i < n_fcs; i++) {
        out[2 * i] = neox ? fcs[i] : 2 * fcs[i];
        out[2 * i + 1] = neox ? fcs[i] + head_size / 2 : 2 * fcs[i] + 1;
    }
}
