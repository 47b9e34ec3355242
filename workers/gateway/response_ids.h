// The id of a response tells this gateway, and nobody else, which session it is in:
// previous_response_id is understood for as long as the session is kept, whoever was restarted
// meanwhile.
//
// An id is an application's to hand on, so it names no session that its holder was not given: the
// session is sealed with a key that only the gateway has. Nobody can read it in an id, or make one.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace gateway {

class ResponseIds {
  public:
    // A longer session key is in no id: who uses one names it with every request.
    static constexpr size_t longest_session = 300;  // bytes
    using Key = std::array<unsigned char, 32>;

    explicit ResponseIds(const Key& key) : key_(key) {}
    // With the key in the directory's response-ids.json, which is made when there is none. When it
    // cannot be kept there, its ids hold until the end of this process; a problem says so.
    static ResponseIds load(const std::string& directory, std::vector<std::string>& problems);

    // What is the response's own, "resp_…", for logs; without it the id of another.
    static std::string new_run();
    std::string id_of(const std::string& run, const std::string& session) const;
    // Nothing when the id is none of ours.
    std::optional<std::string> session_of(const std::string& id) const;

  private:
    Key key_;
};

}  // namespace gateway
