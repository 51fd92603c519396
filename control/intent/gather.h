// From documents to a draft: finds the lists, unites objects that are given twice, and loads each
// once. Control thread or an offline tool.
#pragma once

#include "control/intent/documents.h"
#include "control/intent/object_reader.h"

namespace sluice {

void GatherDraft(const Documents& documents, LoadContext& context);

}  // namespace sluice
