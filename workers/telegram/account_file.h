// A small file of one account's, below the channel's folder: whole or not at all.
#pragma once

#include <string>

#include "workers/common/base/result.h"

namespace telegram {

// "drafts" → "drafts-ops.json"; whatever an account is called, its file is in the folder.
std::string account_file_name(const std::string& what, const std::string& account);

// Makes the folder where there is none. `survives_power_loss`: on the disk when it returns.
// no_storage: there is no room, or the disk cannot be written.
Done write_account_file(const std::string& folder, const std::string& name, const std::string& text,
                        bool survives_power_loss);

}  // namespace telegram
