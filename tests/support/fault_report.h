// Notes what a test tried and whether it held, for tests/faults/report.sh.
//
// A test says RecordProperty("scenario", "4 25") and, if there is a figure to tell,
// RecordProperty("remark", text). Its name says as what the supervisor ran.
#pragma once

// Once per test program.
void report_faults();
