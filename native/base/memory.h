#pragma once

#include <cstdint>

// Bytes that can be allocated without pushing the machine into swap; INT64_MAX where the system does not say.
int64_t memory_available();

// throws OUT_OF_MEMORY and names what needs how much
void memory_require(int64_t bytes, const char * what);
