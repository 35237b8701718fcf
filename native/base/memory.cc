#include "base/memory.h"

#include "base/error.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

int64_t memory_available() {
    MEMORYSTATUSEX status;
    status.dwLength = sizeof(status);
    return GlobalMemoryStatusEx(&status) ? (int64_t) status.ullAvailPhys : INT64_MAX;
}
#elif defined(__linux__)
int64_t memory_available() {
    FILE * f = fopen("/proc/meminfo", "r");
    if (!f) {
        return INT64_MAX;
    }
    char line[128];
    long long kib = -1;
    while (kib < 0 && fgets(line, sizeof(line), f)) {
        kib = strncmp(line, "MemAvailable:", 13) == 0 ? strtoll(line + 13, nullptr, 10) : -1;
    }
    fclose(f);
    return kib < 0 ? INT64_MAX : kib * 1024;
}
#else
#include <unistd.h>

// macOS compresses and reclaims on demand: the physical memory is the only honest bound
int64_t memory_available() {
    const long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (int64_t) pages * bytes : INT64_MAX;
}
#endif

void memory_require(int64_t bytes, const char * what) {
    const int64_t available = memory_available();
    if (bytes > available) {
        fail(ERROR_OUT_OF_MEMORY, "%s needs %.1f GiB of memory, %.1f GiB are free", what, bytes / 1073741824.0, available / 1073741824.0);
    }
}
