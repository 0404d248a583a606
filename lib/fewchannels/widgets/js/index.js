// The explorers' entry.

import { browserKind } from "./browser.js";
import { explorerKind } from "./explorer.js";
import { flipbookKind } from "./flipbook.js";
import { rendererOf } from "./render.js";

export default { render: rendererOf({ browser: browserKind, explorer: explorerKind, flipbook: flipbookKind }) };
