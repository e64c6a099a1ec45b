# The same lines with jq, for names and numbers that need no escapes, and times that are whole seconds.
"\(.type),vin=\(.vin) "
  + ([del(.type, .time, .vin) | to_entries[] | "\(.key)=\(.value)"] | join(","))
  + " \(.utc)000"
