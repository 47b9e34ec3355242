// A turn of the agent as a stream of server-sent events, in the words of one API or another. Pure.
//
// What the client does not take yet is kept once, as text, and handed out in pieces when it does:
// a slow reader costs no more than the answer itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workers/gateway/http_answer.h"
#include "workers/gateway/http_reply.h"
#include "workers/gateway/turn_end.h"

namespace gateway {

// Text that grows, and how much of it has been handed out.
class TextProgress {
  public:
    // All of it so far. What does not continue what was handed out follows it as a paragraph.
    void whole_is(std::string_view whole);
    // The next bytes, whole characters; empty: none yet.
    std::string take(size_t at_most);
    const std::string& taken() const { return taken_; }

  private:
    std::string taken_;
    std::string next_;
    size_t base_ = 0;  // where in all of it the attempt under way begins
};

// One API's words for a turn. Each is asked for once, in this order, but for piece().
class TurnFormat {
  public:
    virtual ~TurnFormat() = default;
    virtual std::string opening() = 0;
    virtual std::string piece(std::string_view text) = 0;
    // `streamed`: all pieces together.
    virtual std::string closing(const TurnEnd& end, const std::string& streamed) = 0;
    // Without a stream.
    virtual HttpAnswer whole(const TurnEnd& end) = 0;
};

// "event: x\ndata: {…}\n\n"; without a name, the data alone.
std::string sse_event(std::string_view data, std::string_view name = {});

class TurnStream final : public BodySource {
  public:
    static constexpr size_t piece_bytes = 8192;

    explicit TurnStream(TurnFormat& format) : format_(format) {}

    void text_is(std::string_view whole) { progress_.whole_is(whole); }
    void ended(const TurnEnd& end);
    void keep_alive() { wants_comment_ = true; }

    std::string next() override;
    bool has_ended() const override { return stage_ == Stage::over; }

  private:
    enum class Stage { opening, text, over };
    TurnFormat& format_;
    TextProgress progress_;
    std::optional<TurnEnd> end_;
    Stage stage_ = Stage::opening;
    bool wants_comment_ = false;
};

}  // namespace gateway
