// A non-blocking stream socket that is watched for what is wanted of it, and for nothing else: a
// peer that hangs up while nobody reads does not keep the loop awake.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

class WatchedSocket {
  public:
    WatchedSocket(Loop& loop, Loop::Handler handler) : loop_(loop), handler_(std::move(handler)) {}

    // Takes over a non-blocking socket; watches for nothing yet.
    void open(Fd descriptor);

    // Bits of Loop; 0: none.
    void want(unsigned events);
    // Appends what is there, `most` bytes at most; how many, 0 when nothing is there yet. -1: no
    // more will come, in order or by an error.
    ptrdiff_t read(std::string& into, size_t most);
    // Takes from the front what the kernel takes. False: the peer takes nothing any more.
    bool write(std::string& from);
    // The peer sees the end of what was written.
    void end_writing();
    // A peer that is silently gone is noticed within minutes.
    void notice_death();
    // Somebody else's from now on.
    Fd release();
    void close();

  private:
    Loop& loop_;
    Fd descriptor_;
    Loop::Handler handler_;
    Loop::Registration watch_;
    static constexpr unsigned not_watched = ~0u;
    unsigned wanted_ = 0;
};
