#include "kv/cache.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/calibration.h"

#include "ggml-backend.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

std::vector<int32_t> calibration::channels(const model_hparams & hp, int32_t il, int32_t head) const {
    std::vector<int32_t> out(2 * n_dominant);
    const int32_t * fcs = dominant.data() + ((size_t) il * hp.n_head_kv + head) * n_dominant;
    fasa_channels_from_fcs(fcs, n_dominant, hp.head_size, hp.rope_type == GGML_ROPE_TYPE_NEOX, out.data());
    return out;
}

void calibration_check(const calibration & c, const model_hparams & hp) {
    if (c.n_dominant < 1 || c.n_dominant > hp.head_size / 2) {
        fail(ERROR_BAD_CALIBRATION, "a calibration of %d dominant FCs does not fit heads of %d dimensions", c.n_dominant, hp.head_size);
    }
    if (c.dominant.size() != (size_t) hp.n_layer * hp.n_head_kv * c.n_dominant) {
        fail(ERROR_BAD_CALIBRATION, "the calibration is not for %d layers of %d KV heads", hp.n_layer, hp.n_head_kv);
    }
    for (size_t i = 0; i < c.dominant.size(); i++) {
        const bool first = i % c.n_dominant == 0;
        if (c.dominant[i] < 0 || c.dominant[i] >= hp.head_size / 2 || (!first && c.dominant[i] <= c.dominant[i - 1])) {
            fail(ERROR_BAD_CALIBRATION, "the calibration's FC indices are not ascending numbers below %d", hp.head_size / 2);
        }
    }
}

zeroed_memory::zeroed_memory(size_t size) : size(size), base(calloc(size + 64, 1)) { // large blocks: fresh zero pages
    if (!base) {
        fail(ERROR_OUT_OF_MEMORY, "no memory for a KV cache of %.1f GiB", size / 1073741824.0);
    }
    data = (char *) base + (64 - (uintptr_t) base % 64) % 64;
}

zeroed_memory::~zeroed_memory() { free(base); }

kv_cache::kv_cache(const model_hparams & hp, int32_t n_ctx, const calibration * calib) : hp(hp) {
    n_cells = kv_cells(n_ctx);
    const size_t kv_bytes = (size_t) hp.kv_bytes_per_token() * n_cells;
    size_t pages_bytes = 0;
    if (calib) {
        n_channels = 2 * calib->n_dominant;
        page_bytes = fasa_page_bytes(n_channels);
        pages_bytes = (size_t) hp.n_layer * hp.n_head_kv * n_pages() * page_bytes;
        for (int32_t il = 0; il < hp.n_layer; il++) {
            for (int32_t head = 0; head < hp.n_head_kv; head++) {
                const std::vector<int32_t> c = calib->channels(hp, il, head);
                channels.insert(channels.end(), c.begin(), c.end());
            }
        }
    }
    memory_require((int64_t) (kv_bytes + pages_bytes), format("a KV cache of %d tokens", n_ctx).c_str());
    kv_memory = std::make_unique<zeroed_memory>(kv_bytes);
    if (calib) {
        page_memory = std::make_unique<zeroed_memory>(pages_bytes);
    }

    ctx.reset(ggml_init({ hp.n_layer * ggml_tensor_overhead(), nullptr, /*.no_alloc =*/true }));
    buffer.reset(ggml_backend_cpu_buffer_from_ptr(kv_memory->data, kv_bytes));
    const size_t layer_bytes = kv_bytes / hp.n_layer;
    for (int32_t il = 0; il < hp.n_layer; il++) {
        ggml_tensor * t = ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F16, 2 * hp.head_size, n_cells, hp.n_head_kv);
        if (ggml_backend_tensor_alloc(buffer.get(), t, kv_memory->data + il * layer_bytes) != GGML_STATUS_SUCCESS) {
            fail(ERROR_BACKEND, "the CPU library cannot use the KV cache's memory");
        }
        layers.push_back(t);
    }
}

const uint16_t * kv_cache::rows(int32_t il, int32_t head) const {
    return (const uint16_t *) layers[il]->data + (size_t) head * n_cells * row_stride();
}

char * kv_cache::page_at(int32_t il, int32_t head, int32_t i) const {
    return page_memory->data + (((size_t) il * hp.n_head_kv + head) * n_pages() + i) * page_bytes;
}

const void * kv_cache::page(int32_t il, int32_t head, int32_t i) const { return page_at(il, head, i); }

void kv_cache::close_pages(int32_t n_tokens, int32_t n_anchor, const fasa_kernels * kernels) {
    if (!page_memory) {
        return;
    }
    const int32_t n_whole = n_tokens / FASA_PAGE_TOKENS;
    for (int32_t i = n_closed; i < n_whole; i++) {
        for (int32_t il = 0; il < hp.n_layer; il++) {
            for (int32_t head = 0; head < hp.n_head_kv; head++) {
                const uint16_t * keys = rows(il, head) + (size_t) i * FASA_PAGE_TOKENS * row_stride();
                // the sink's keys are far outside the others' range: they are scored exactly instead
                kernels->page_encode(keys, row_stride(), head_channels(il, head), n_channels, i == 0 ? n_anchor : 0, page_at(il, head, i));
            }
        }
    }
    n_closed = std::max(n_closed, n_whole);
}

void kv_cache::truncate(int32_t n_tokens) { n_closed = std::min(n_closed, n_tokens / FASA_PAGE_TOKENS); }

int64_t kv_cache::bytes_reserved() const { return (int64_t) kv_memory->size + (page_memory ? (int64_t) page_memory->size : 0); }
