#pragma once

// Which tensors a model of our architectures has, with what shapes: one list, used to check a file and to bind weights.

#include "model/hparams.h"

#include <functional>
#include <string>

enum tensor_role {
    TENSOR_EMBEDDING, // read by rows
    TENSOR_MATRIX,    // multiplied: may be repacked
    TENSOR_VECTOR,    // f32
};

struct tensor_spec {
    std::string name;
    tensor_role role;
    bool        required;
    int64_t     ne0, ne1;
    int32_t     layer; // -1: of the whole model
    int32_t     slot;  // index into the members below
};

enum layer_slot {
    SLOT_ATTN_NORM, SLOT_WQ, SLOT_WK, SLOT_WV, SLOT_WO, SLOT_BQ, SLOT_BK, SLOT_BV, SLOT_BO, SLOT_Q_NORM, SLOT_K_NORM,
    SLOT_FFN_NORM, SLOT_FFN_GATE, SLOT_FFN_UP, SLOT_FFN_DOWN, SLOT_FFN_GATE_B, SLOT_FFN_UP_B, SLOT_FFN_DOWN_B,
    SLOT_LAYER_COUNT,
};

enum model_slot { SLOT_TOK_EMBD, SLOT_OUTPUT_NORM, SLOT_OUTPUT, SLOT_OUTPUT_B, SLOT_ROPE_FREQS };

void tensor_specs_each(const model_hparams & hp, const std::function<void(const tensor_spec &)> & visit);
