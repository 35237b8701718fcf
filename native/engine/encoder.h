#pragma once

// Encodes chunks of files on their own after the anchor. Used by one thread at a time (the engine's).

#include "engine/sequence.h"
#include "graph/graph.h"
#include "kv/chunk.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

struct encoder_params {
    std::vector<int32_t> anchor;
    int32_t n_threads = 1;
    int32_t n_ubatch = 128;
    int32_t n_chunk = 1024; // max tokens of a chunk, and of chunks that share micro-batches
    calibration calib;
    kv_row_type row_type = KV_ROWS_F16;
    bool in_memory = false; // rows of stored chunks: copied, or used where they lie in the file
};

struct chunk_source {
    std::vector<int32_t> tokens;
    std::string address;
    std::string file; // empty: not stored
};

struct chunk_encoder {
    chunk_encoder(std::shared_ptr<model> m, encoder_params params); // throws BAD_ARGUMENT, BAD_CALIBRATION, OUT_OF_MEMORY, ...

    // Each chunk sees the anchor and itself. A call that was cancelled and is made again resumes at the micro-batch of the same group of chunks.
    // throws BAD_ARGUMENT, CANCELLED, OUT_OF_MEMORY
    std::vector<std::shared_ptr<kv_chunk>> encode(const std::vector<chunk_source> & sources, const task_flags & flags,
        const std::function<void(int32_t n_done)> & progress);
    // throws FILE_NOT_FOUND, FILE_UNREADABLE, BAD_CHUNK, OUT_OF_MEMORY
    std::shared_ptr<kv_chunk> open(const std::string & file, const std::string & address) const;

    int64_t bytes_reserved() const { return kv.bytes_reserved(); }

private:
    // Chunks that share micro-batches: their concatenated tokens, and where each begins.
    struct group {
        std::vector<int32_t> tokens, begins;
        bool operator==(const group &) const = default;
    };

    std::shared_ptr<model> m;
    encoder_params params;
    kv_chunk_layout layout;
    kv_cache kv;
    const fasa_kernels * kernels;
    const std::atomic<bool> * abort = nullptr;
    cpu_backend backend;
    std::unique_ptr<decoder_graph> graph;
    bool anchored = false; // the anchor's rows are in the cache
    group current;         // whose rows follow the anchor's in the cache
    int32_t n_done = 0;

    void run_batch(const std::vector<int32_t> & ids, const std::vector<int32_t> & positions, const std::vector<int32_t> & seen_from, int32_t cell);
    void run_group(const group & g, const task_flags & flags, const std::function<void(int32_t)> & progress);
    std::shared_ptr<kv_chunk> stored(std::shared_ptr<kv_chunk> chunk, const chunk_source & source) const;
};
