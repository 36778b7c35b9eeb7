// A library that a C# program loads: it runs the tasks `pack-parcel`, and starts the tasks `parcel-packed`, which the
// C# program runs. Both sides know each other by the names of the tasks and by the members of two classes.

#include "backrun.h"
#include <stdio.h>
#include <string.h>

#define TEXT(literal) ((backrun_str){literal, sizeof literal - 1})

static int is(backrun_str text, const char *name) {
    return text.len == strlen(name) && memcmp(text.data, name, text.len) == 0;
}

// What C# reads as: class PackedParcel { Guid Order; decimal Weight; DateTime PackedAt; string[] Marks; string? Note; }
static int32_t tell(backrun_engine *engine, const uint8_t order[16], backrun_error **error) {
    backrun_writer *writer = NULL;
    backrun_writer_new(NULL, &writer, NULL); // the first error sticks: only the last outcome needs a look
    backrun_writer_begin_map(writer, 5, NULL);
    backrun_writer_key(writer, TEXT("Order"), NULL);
    backrun_writer_guid(writer, order, NULL);
    backrun_writer_key(writer, TEXT("Weight"), NULL);
    backrun_writer_decimal(writer, TEXT("1.50"), NULL);
    backrun_writer_key(writer, TEXT("PackedAt"), NULL);
    backrun_writer_timestamp(writer, 1798761600, 0, NULL); // seconds since 1970: 2027-01-01
    backrun_writer_key(writer, TEXT("Marks"), NULL);
    backrun_writer_begin_array(writer, 2, NULL);
    backrun_writer_str(writer, TEXT("fragile"), NULL);
    backrun_writer_str(writer, TEXT("this side up"), NULL);
    backrun_writer_end(writer, NULL);
    backrun_writer_key(writer, TEXT("Note"), NULL);
    backrun_writer_nil(writer, NULL);
    backrun_writer_end(writer, NULL);

    backrun_submission packed = {.struct_size = sizeof packed, .task_name = TEXT("parcel-packed")};
    int32_t code = backrun_writer_bytes(writer, &packed.payload, error);
    if (code == BACKRUN_OK) {
        code = backrun_engine_submit(engine, &packed, NULL, error);
    }
    backrun_writer_free(writer);
    return code;
}

// What C# writes of: class Parcel { Guid Order; string To; string[] Items; DateOnly? Due; int Priority; … }
static int32_t pack(void *engine, backrun_task *task, backrun_bytes payload, void *task_state) {
    uint8_t order[16] = {0};
    backrun_str to = {NULL, 0}, item = {NULL, 0};
    size_t members = 0, items = 0;
    int32_t no_date = 0, due = 0;
    (void)task_state;

    backrun_reader *reader = NULL;
    backrun_reader_new(payload, NULL, &reader, NULL);
    for (backrun_reader_begin_map(reader, &members, NULL); members > 0; members--) {
        backrun_str member = {NULL, 0};
        backrun_reader_str(reader, &member, NULL);
        if (is(member, "Order")) {
            backrun_reader_guid(reader, order, NULL);
        } else if (is(member, "To")) {
            backrun_reader_str(reader, &to, NULL);
        } else if (is(member, "Items")) {
            for (backrun_reader_begin_array(reader, &items, NULL); items > 0; items--) {
                backrun_reader_str(reader, &item, NULL);
                printf("C packs %.*s\n", (int)item.len, item.data);
            }
            backrun_reader_end(reader, NULL);
        } else if (is(member, "Due")) {
            backrun_reader_try_nil(reader, &no_date, NULL);
            if (!no_date) {
                backrun_reader_dateonly(reader, &due, NULL); // days since 0001-01-01
            }
        } else {
            backrun_reader_skip(reader, NULL, NULL); // a member that this library does not know
        }
    }
    backrun_reader_end(reader, NULL);

    backrun_error *error = NULL;
    int32_t code = backrun_reader_finish(reader, &error); // here an error of any of these reads shows
    if (code == BACKRUN_OK) {
        printf("C packed a parcel for %.*s, due on day %d\n", (int)to.len, to.data, (int)due);
        fflush(stdout);
        code = tell(engine, order, &error);
    }
    if (code != BACKRUN_OK) {
        backrun_task_fail(task, backrun_error_message(error), NULL);
    }
    backrun_error_free(error);
    backrun_reader_free(reader);
    // Bytes that cannot be read are no better when they are read again.
    return code == BACKRUN_OK                ? BACKRUN_RUN_DONE
           : code == BACKRUN_INVALID_PAYLOAD ? BACKRUN_RUN_FATAL
                                             : BACKRUN_RUN_FAILED;
}

int32_t parcels_start(backrun_engine *engine) {
    backrun_handler handler = {.struct_size = sizeof handler, .user_data = engine, .run = pack};
    return backrun_engine_register(engine, TEXT("pack-parcel"), &handler, NULL, NULL);
}
