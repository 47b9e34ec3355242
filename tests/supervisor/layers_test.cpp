#include "supervisor/layers.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <algorithm>

namespace supervisor {
namespace {

LayerState layer(std::string_view name) {
    const std::vector<LayerState> all = layers({});
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const LayerState& state) { return state.name == name; });
    return found == all.end() ? LayerState{} : *found;
}

TEST(Layers, OwnSecretsNeedASupervisorThatNobodyCanReadFrom) {
    const int before = prctl(PR_GET_DUMPABLE);
    prctl(PR_SET_DUMPABLE, 1);
    EXPECT_FALSE(layer("own secrets only").holds);
    EXPECT_FALSE(layer("own secrets only").detail.empty());
    prctl(PR_SET_DUMPABLE, 0);
    EXPECT_TRUE(layer("own secrets only").holds);
    prctl(PR_SET_DUMPABLE, before == 0 ? 0 : 1);
}

}  // namespace
}  // namespace supervisor
