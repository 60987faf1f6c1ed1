"""The values that sinks take and give, and the fixed names in them. Pure, so that everybody may know them."""
