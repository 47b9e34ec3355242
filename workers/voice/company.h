// Requests to the telephone company, each until its answer.
//
// Promises what HttpsClient promises; a request is never repeated here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "workers/common/https_client.h"

namespace voice {

class Company {
  public:
    explicit Company(ClientContext& context) : client_(context) {}

    void send(HttpsRequest request, std::function<void(HttpsOutcome)> handler);
    // Calls back once nothing is under way; at once when that is so.
    void finish(std::function<void()> done);

  private:
    void ended(uint64_t id);

    HttpsClient client_;
    std::map<uint64_t, std::unique_ptr<HttpsCall>> calls_;
    uint64_t last_ = 0;
    std::function<void()> done_;
};

}  // namespace voice
