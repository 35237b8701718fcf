#include "kv/gpu_cache.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/backend.h"

#include <algorithm>

static ggml_backend_buffer_ptr allocated(ggml_context * ctx, ggml_backend_buffer_type_t type, int32_t n_ctx) {
    ggml_backend_buffer_ptr buffer(ggml_backend_alloc_ctx_tensors_from_buft(ctx, type));
    if (!buffer) {
        fail(ERROR_OUT_OF_MEMORY, "no memory on %s for a KV cache of %d tokens", ggml_backend_buft_name(type), n_ctx);
    }
    ggml_backend_buffer_clear(buffer.get(), 0); // cells that are masked are read, and must not be NaN
    return buffer;
}

gpu_cache::gpu_cache(const model_hparams & hp, ggml_backend_dev_t device, int32_t n_ctx, bool rows_on_host, const calibration * calib) : hp(hp), rows_on_host(rows_on_host), n_cells(kv_cells(n_ctx)), n_channels(calib ? 2 * calib->n_dominant : 0) {
    const std::string what = format("a KV cache of %d tokens", n_ctx);
    if (rows_on_host) {
        memory_require(row_bytes() * n_cells, what.c_str());
    }
    device_require(device, ((rows_on_host ? 0 : row_bytes()) + importance_bytes()) * n_cells, what.c_str());

    rows_ctx.reset(ggml_init({ 2 * hp.n_layer * ggml_tensor_overhead(), nullptr, /*.no_alloc =*/true }));
    for (int32_t il = 0; il < hp.n_layer; il++) {
        k.push_back(ggml_new_tensor_2d(rows_ctx.get(), GGML_TYPE_F16, (int64_t) hp.head_size * hp.n_head_kv, n_cells));
        v.push_back(ggml_new_tensor_2d(rows_ctx.get(), GGML_TYPE_F16, (int64_t) hp.head_size * hp.n_head_kv, n_cells));
    }
    ggml_backend_buffer_type_t on_device = ggml_backend_dev_buffer_type(device);
    ggml_backend_buffer_type_t pinned = ggml_backend_dev_host_buffer_type(device); // the device reads it without a copy
    ggml_backend_buffer_type_t on_host = pinned ? pinned : ggml_backend_dev_buffer_type(backend_cpu_device());
    rows_buffer = allocated(rows_ctx.get(), rows_on_host ? on_host : on_device, n_ctx);
    if (!calib) {
        return;
    }
    keys_ctx.reset(ggml_init({ 2 * hp.n_layer * ggml_tensor_overhead(), nullptr, /*.no_alloc =*/true }));
    for (int32_t il = 0; il < hp.n_layer; il++) {
        importance.push_back(ggml_new_tensor_2d(keys_ctx.get(), GGML_TYPE_F16, (int64_t) n_channels * hp.n_head_kv, n_cells));
        picker.push_back(ggml_new_tensor_3d(keys_ctx.get(), GGML_TYPE_F32, hp.head_size, n_channels, hp.n_head_kv));
    }
    keys_buffer = allocated(keys_ctx.get(), on_device, n_ctx);
    std::vector<float> ones(ggml_nelements(picker[0]));
    for (int32_t il = 0; il < hp.n_layer; il++) {
        std::fill(ones.begin(), ones.end(), 0.0f);
        for (int32_t head = 0; head < hp.n_head_kv; head++) {
            const std::vector<int32_t> channels = calib->channels(hp, il, head);
            for (int32_t c = 0; c < n_channels; c++) {
                ones[((size_t) head * n_channels + c) * hp.head_size + channels[c]] = 1.0f;
            }
        }
        ggml_backend_tensor_set(picker[il], ones.data(), 0, ggml_nbytes(picker[il]));
    }
}
