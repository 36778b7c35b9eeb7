// Compiled only, as C and as C++: the header needs nothing before it and may come twice.
#include "backrun.h"

uint32_t version_of_header(void);
uint32_t version_of_header(void) {
    return BACKRUN_ABI_VERSION;
}
