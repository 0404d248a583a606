// The live lab's entry.

import { rendererOf } from "../render.js";
import { labKind } from "./lab.js";

export default { render: rendererOf({ lab: labKind }) };
