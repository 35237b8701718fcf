#pragma once

#include <chrono>

using steady = std::chrono::steady_clock;

inline double ms_since(steady::time_point begin) { return std::chrono::duration<double, std::milli>(steady::now() - begin).count(); }
