// NULL, row by row of the header: functions that only look, and the frees. None may fail, each has its empty answer.

#include "test.h"

#define ROW(function) TEST(null_##function)

static bool nothing(backrun_str text) {
    return text.len == 0;
}
static bool none(backrun_bytes bytes) {
    return bytes.len == 0;
}

ROW(backrun_abi_version) {
    CHECK(backrun_abi_version() > 0);
}
ROW(backrun_version) {
    CHECK(backrun_version() != NULL);
}

ROW(backrun_buffer_bytes) {
    CHECK(none(backrun_buffer_bytes(NULL)));
}
ROW(backrun_buffer_free) {
    backrun_buffer_free(NULL);
}

ROW(backrun_error_code) {
    CHECK_INT(BACKRUN_OK, backrun_error_code(NULL));
}
ROW(backrun_error_message) {
    backrun_str message = backrun_error_message(NULL);
    CHECK(message.len == 0 && message.data != NULL && message.data[0] == 0);
}
ROW(backrun_error_free) {
    backrun_error_free(NULL);
}

ROW(backrun_engine_abandon) {
    backrun_engine_abandon(NULL);
}
ROW(backrun_engine_free) {
    backrun_engine_free(NULL);
}

ROW(backrun_shutdown_report_running_count) {
    CHECK_INT(0, (long long)backrun_shutdown_report_running_count(NULL));
}
ROW(backrun_shutdown_report_running_id) {
    CHECK_INT(0, backrun_shutdown_report_running_id(NULL, 0));
}
ROW(backrun_shutdown_report_running_name) {
    CHECK(nothing(backrun_shutdown_report_running_name(NULL, 0)));
}
ROW(backrun_shutdown_report_queued_count) {
    CHECK_INT(0, (long long)backrun_shutdown_report_queued_count(NULL));
}
ROW(backrun_shutdown_report_free) {
    backrun_shutdown_report_free(NULL);
}

ROW(backrun_task_list_count) {
    CHECK_INT(0, (long long)backrun_task_list_count(NULL));
}
ROW(backrun_task_list_at) {
    CHECK(backrun_task_list_at(NULL, 0) == NULL);
}
ROW(backrun_task_list_free) {
    backrun_task_list_free(NULL);
}

ROW(backrun_stats_queue_count) {
    CHECK_INT(0, (long long)backrun_stats_queue_count(NULL));
}
ROW(backrun_stats_queue_name) {
    CHECK(nothing(backrun_stats_queue_name(NULL, 0)));
}
ROW(backrun_stats_task_name_count) {
    CHECK_INT(0, (long long)backrun_stats_task_name_count(NULL));
}
ROW(backrun_stats_task_name) {
    CHECK(nothing(backrun_stats_task_name(NULL, 0)));
}
ROW(backrun_stats_stalled_count) {
    CHECK_INT(0, (long long)backrun_stats_stalled_count(NULL));
}
ROW(backrun_stats_stalled_task_id) {
    CHECK_INT(0, backrun_stats_stalled_task_id(NULL, 0));
}
ROW(backrun_stats_stalled_task_name) {
    CHECK(nothing(backrun_stats_stalled_task_name(NULL, 0)));
}
ROW(backrun_stats_stalled_queue) {
    CHECK(nothing(backrun_stats_stalled_queue(NULL, 0)));
}
ROW(backrun_stats_stalled_worker) {
    CHECK_INT(0, (long long)backrun_stats_stalled_worker(NULL, 0));
}
ROW(backrun_stats_stalled_us) {
    CHECK_INT(0, backrun_stats_stalled_us(NULL, 0));
}
ROW(backrun_stats_free) {
    backrun_stats_free(NULL);
}

ROW(backrun_task_id) {
    CHECK_INT(0, backrun_task_id(NULL));
}
ROW(backrun_task_attempt) {
    CHECK_INT(0, backrun_task_attempt(NULL));
}
ROW(backrun_task_lease) {
    CHECK_INT(0, backrun_task_lease(NULL));
}
ROW(backrun_task_name) {
    CHECK(nothing(backrun_task_name(NULL)));
}
ROW(backrun_task_queue) {
    CHECK(nothing(backrun_task_queue(NULL)));
}
ROW(backrun_task_priority) {
    CHECK_INT(0, backrun_task_priority(NULL));
}
ROW(backrun_task_payload_format) {
    CHECK_INT(0, backrun_task_payload_format(NULL));
}
ROW(backrun_task_is_cancelled) {
    CHECK_INT(0, backrun_task_is_cancelled(NULL));
}
ROW(backrun_task_header) {
    CHECK(nothing(backrun_task_header(NULL, str("culture"))));
    CHECK(nothing(backrun_task_header(NULL, (backrun_str){NULL, 0})));
    CHECK(nothing(backrun_task_header(NULL, (backrun_str){NULL, 3})));
}
ROW(backrun_task_header_count) {
    CHECK_INT(0, (long long)backrun_task_header_count(NULL));
}
ROW(backrun_task_header_name) {
    CHECK(nothing(backrun_task_header_name(NULL, 0)));
}

ROW(backrun_task_status_id) {
    CHECK_INT(0, backrun_task_status_id(NULL));
}
ROW(backrun_task_status_state) {
    CHECK_INT(0, backrun_task_status_state(NULL));
}
ROW(backrun_task_status_is_final) {
    CHECK_INT(0, backrun_task_status_is_final(NULL));
}
ROW(backrun_task_status_attempt) {
    CHECK_INT(0, backrun_task_status_attempt(NULL));
}
ROW(backrun_task_status_lease) {
    CHECK_INT(0, backrun_task_status_lease(NULL));
}
ROW(backrun_task_status_name) {
    CHECK(nothing(backrun_task_status_name(NULL)));
}
ROW(backrun_task_status_queue) {
    CHECK(nothing(backrun_task_status_queue(NULL)));
}
ROW(backrun_task_status_priority) {
    CHECK_INT(0, backrun_task_status_priority(NULL));
}
ROW(backrun_task_status_submitted_at) {
    CHECK_INT(0, backrun_task_status_submitted_at(NULL));
}
ROW(backrun_task_status_started_at) {
    CHECK_INT(0, backrun_task_status_started_at(NULL));
}
ROW(backrun_task_status_finished_at) {
    CHECK_INT(0, backrun_task_status_finished_at(NULL));
}
ROW(backrun_task_status_error_type) {
    CHECK(nothing(backrun_task_status_error_type(NULL)));
}
ROW(backrun_task_status_error_message) {
    CHECK(nothing(backrun_task_status_error_message(NULL)));
}
ROW(backrun_task_status_error_detail) {
    CHECK(nothing(backrun_task_status_error_detail(NULL)));
}
ROW(backrun_task_status_is_cancel_requested) {
    CHECK_INT(0, backrun_task_status_is_cancel_requested(NULL));
}
ROW(backrun_task_status_cancel_reason) {
    CHECK(nothing(backrun_task_status_cancel_reason(NULL)));
}
ROW(backrun_task_status_progress) {
    CHECK(backrun_task_status_progress(NULL) < 0);
}
ROW(backrun_task_status_progress_text) {
    CHECK(nothing(backrun_task_status_progress_text(NULL)));
}
ROW(backrun_task_status_result) {
    CHECK(none(backrun_task_status_result(NULL)));
}
ROW(backrun_task_status_run_at_unix_us) {
    CHECK_INT(0, backrun_task_status_run_at_unix_us(NULL));
}
ROW(backrun_task_status_stalled_us) {
    CHECK_INT(0, backrun_task_status_stalled_us(NULL));
}
ROW(backrun_task_status_free) {
    backrun_task_status_free(NULL);
}
