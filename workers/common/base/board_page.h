// One worker's page of the status board: shared memory that the worker writes and others read.
//
// A page is a memfd of its own, so that a bad worker can damage only its own. Numbers are atomics;
// the one text has two buffers and a sequence, so that a writer killed at any instruction leaves
// the previous text readable. There is no lock to be left locked.
#pragma once

#include <atomic>
#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

// What a page counts. Written by the worker, in its own units; shown by status and /metrics.
enum class Counter {
    turns_started,
    turns_failed,
    turns_interrupted,
    model_calls,
    clients_connected,  // now
    clients_refused,
    link_frames_dropped,
    link_queue,  // frames waiting now
    messages_in,
    messages_out,
    memory_bytes,  // now; this and the next two are written by the supervisor, once a second
    memory_peak_bytes,
    descriptors,  // now
    model_failures,
    model_cost_microdollars,
    messages_waiting,    // now, for an answer
    oldest_message_ms,   // when the longest waiting of them came, wall clock; 0: none waits
    deliveries_waiting,  // now, answers on their way to people on channels
    oldest_delivery_ms,  // as oldest_message_ms
    deliveries_failed,
    volume_bytes,  // of the file system that holds the state
    volume_free_bytes,
    volume_transcripts_bytes,  // this and the next six by the last look of the housekeeping
    volume_copies_bytes,
    volume_media_bytes,
    volume_logs_bytes,
    volume_leftovers_bytes,
    volume_database_bytes,
    volume_workspace_bytes,
    volume_pruned_files,
    volume_pruned_bytes,
    count_
};

class BoardPage {
  public:
    static constexpr size_t size = 4096;
    static constexpr size_t longest_text = 1000;

    // A new zeroed memory file of one page.
    static Result<Fd> create(const std::string& name);
    // Maps it; `writable` false maps it read-only. The descriptor may be closed afterwards.
    static Result<BoardPage> map(int descriptor, bool writable);

    // The worker's side.
    void beat(int64_t monotonic_milliseconds);
    void add(Counter counter, int64_t amount);
    void set(Counter counter, int64_t value);
    // What an owner should read about this worker; cut to longest_text bytes.
    void set_text(std::string_view text);

    // The reader's side.
    int64_t last_beat() const;
    int64_t get(Counter counter) const;
    std::string text() const;

    // The supervisor, between two lives of the worker.
    void clear();

  private:
    struct Layout;
    explicit BoardPage(boost::interprocess::mapped_region region) : region_(std::move(region)) {}
    Layout& layout() const;

    boost::interprocess::mapped_region region_;
};
