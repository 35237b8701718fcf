#pragma once

// Reads the whole header of a GGUF before ggml does, so that every count, length, type and offset in it is known to be
// inside the file and inside sane bounds, and so that an error names what is wrong. ggml's own reader allocates by the
// counts it reads and reports to a log only.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).

#include <cstddef>

// throws NOT_GGUF, BAD_GGUF
void gguf_check_header(const char * data, size_t size);
