#pragma once

// Choice of the dominant FCs of each layer and KV head from what a model's queries and keys do on real text.
//
// A query head's logit of token n is a sum over its d/2 FCs, l(n) = sum_i s_i(n). TIP keeps the FCs of a set D, so it errs
// by the sum over the others; what all tokens share of that moves no softmax. So D is the set of the wanted size that
// leaves the least weighted variance over n in the sum of what it leaves out,
//     sum over i, j not in D of C_ij,    C = weighted covariance of (s_1 .. s_d/2) over n,
// added up over the observed queries and the query heads that share the KV head, each divided by the variance of its whole
// logit. The weights are half the group's exact softmax mass (where being wrong costs) and half uniform (where a token that
// does not matter could come up). Only C is kept, so observations stream. Measured against other choices:
// docs/calibration.md.

#include <stddef.h>
#include <stdint.h>

struct fasa_calibrator;

// head_size: d, at most FASA_HEAD_SIZE_MAX; n_group: query heads per KV head
// neox: FC i is dims (i, i + d/2); else (2i, 2i + 1)
// null for sizes out of range or too little memory
fasa_calibrator * fasa_calibrator_new(int32_t n_layer, int32_t n_kv_head, int32_t n_group, int32_t head_size, bool neox);

void fasa_calibrator_free(fasa_calibrator * calibrator);

// One query token, at position n_past - 1 of layer il, with the keys up to and with its own. Early positions say little:
// give some hundred tokens of context. One call at a time; throws std::bad_alloc.
// q:    [n_kv_head*n_group][d] f32, rotated
// keys: K rows of KV head g, f16, rotated: token t at keys[g] + t*row_stride, t in [0, n_past)
void fasa_calibrator_observe(fasa_calibrator * calibrator, int32_t il, const float * q, const uint16_t * const * keys,
    size_t row_stride, int32_t n_past);

// What was observed so far, as sums: [n_layer][n_kv_head][d/2][d/2]. Those of another calibrator of the same shapes can be
// added to them, and the choice is then that of both.
double * fasa_calibrator_sums(fasa_calibrator * calibrator, size_t * n);

// out: [n_layer][n_kv_head][n_dominant] FC indices, ascending; n_dominant: 1 to d/2
void fasa_calibrator_choose(const fasa_calibrator * calibrator, int32_t n_dominant, int32_t * out);

// the two dims of each FC, as channels of importance keys: out[2*i], out[2*i + 1] for FC fcs[i]
void fasa_channels_from_fcs(const int32_t * fcs, int32_t n_fcs, int32_t head_size, bool neox, int32_t * out);
