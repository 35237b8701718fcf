// The kernels of one instruction set. Compiled once for each, with FASA_KERNELS_NAME as the name and the compiler flags
// that go with it (scripts/addon/units.mjs); only the table can be seen from outside.

#include "kernels/kernels.h"
#include "kernels/kernels_choice.h"
#include "kernels/kernels_page.h"
#include "kernels/kernels_rows.h"
#include "kernels/kernels_rows_q8.h"
#include "kernels/kernels_vector.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

extern const fasa_kernels JOIN(fasa_kernels_, FASA_KERNELS_NAME);

const fasa_kernels JOIN(fasa_kernels_, FASA_KERNELS_NAME) = {
    /* name        */ TEXT(FASA_KERNELS_NAME),
    /* page_encode */ page_encode,
    /* tip_page    */ tip_page,
    /* tip_rows    */ tip_rows,
    /* importance  */ importance,
    /* top_k       */ top_k,
    /* row_logits  */ row_logits,
    /* softmax     */ softmax,
    /* value_sum   */ value_sum,
    /* row_logits_q8 */ row_logits_q8,
    /* value_sum_q8  */ value_sum_q8,
};
