// One connection at a door: from the head of its request to the last byte of the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"
#include "workers/common/routes/path_door.h"
#include "workers/common/routes/request_head.h"
#include "workers/common/routes/watched_socket.h"

class DoorSession {
  public:
    static constexpr std::chrono::milliseconds head_time{10'000};
    static constexpr std::chrono::milliseconds body_time{10'000};
    static constexpr uint64_t body_bytes_per_second = 64 * 1024;  // a second more for so many
    static constexpr std::chrono::milliseconds reader_patience{60'000};
    static constexpr std::chrono::milliseconds stream_reader_patience{5'000};
    static constexpr std::chrono::milliseconds rest_time{3'000};
    // Held for either side; who does not take it is not read for.
    static constexpr size_t most_held = 64 * 1024;

    DoorSession(Loop& loop, PathDoor& door, Fd connection);
    ~DoorSession();

    void begin();
    void end();

  private:
    enum class Stage { head, exchange, rest };

    void client_is_ready(unsigned events);
    void owner_is_ready(unsigned events);
    void read_head();
    void hand_on(RequestHead head);
    int refusal_of(const RequestHead& head, const PathDoor::Row& row) const;
    Done connect_to_owner();
    void read_body();
    void read_answer();
    bool read_first_line();
    void begin_answer(int status);
    void pass_on();
    void limit_reader();
    void watch_both();
    void refuse(int status, std::string_view text = {}, std::string_view more = {});
    void owner_is_away(int status, const std::string& why);
    void answer_is_out();
    void give_place_back();
    void expect_answer();
    void end_after(std::chrono::milliseconds time);

    Loop& loop_;
    PathDoor& door_;
    WatchedSocket client_;
    WatchedSocket owner_;
    Stage stage_ = Stage::head;
    PathDoor::Row* row_ = nullptr;
    std::string incoming_;  // the head, until it is whole
    std::string to_owner_;
    std::string to_client_;
    std::string early_answer_;  // until its first line is whole
    uint64_t body_left_ = 0;
    bool is_stream_ = false;  // an opened WebSocket
    bool is_answered_ = false;
    bool owner_ended_ = false;
    bool client_ended_ = false;
    bool owner_deaf_ = false;  // it closed before it had all
    bool has_ended_ = false;
    uint64_t discarded_ = 0;
    Loop::Registration deadline_;
};
