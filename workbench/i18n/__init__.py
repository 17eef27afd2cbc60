"""I18N: the house's sentences in Chinese and English, and masks for showing a value.

    >>> text("result.done", "en")
    'done'
    >>> mask("call 13800138000")
    'call [mobile]'
"""

from workbench.i18n.catalogue import LANGS, Lang, both, text
from workbench.i18n.masks import mask, mask_tree

__all__ = ["LANGS", "Lang", "both", "mask", "mask_tree", "text"]
