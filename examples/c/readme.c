#include "backrun.h"
#include <stdio.h>

static int32_t send_mail(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task_state;
    printf("task %lld: %zu bytes of MessagePack\n", (long long)backrun_task_id(task), payload.len);
    return BACKRUN_RUN_DONE;
}

int main(void) {
    backrun_engine *engine = NULL;
    backrun_error *error = NULL; // every call may be given one: a code and a message; what is not used is NULL
    int64_t id = 0;

    backrun_engine_options options = {.struct_size = sizeof options, .abi_version = BACKRUN_ABI_VERSION};
    backrun_handler handler = {.struct_size = sizeof handler, .run = send_mail};
    const uint8_t hello[] = {0xA5, 'h', 'e', 'l', 'l', 'o'};
    backrun_submission mail = {
        .struct_size = sizeof mail, .task_name = {"send-mail", 9}, .payload = {hello, sizeof hello}};

    if (backrun_engine_new(&options, &engine, &error) != BACKRUN_OK ||
        backrun_engine_register(engine, mail.task_name, &handler, NULL, &error) != BACKRUN_OK ||
        backrun_engine_submit(engine, &mail, &id, &error) != BACKRUN_OK ||
        backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, 10000, NULL, &error) != BACKRUN_OK) {
        fprintf(stderr, "%s\n", backrun_error_message(error).data);
    }
    int failed = error != NULL;
    backrun_error_free(error);
    backrun_engine_free(engine);
    return failed;
}
