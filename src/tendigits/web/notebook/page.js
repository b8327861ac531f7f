// The HTML and the styles of the pad; `tendigits.Pad` replaces this module.

export const page = { html: "", styles: "" };
