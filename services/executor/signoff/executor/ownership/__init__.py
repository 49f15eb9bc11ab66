"""Who owns a partition: leases, fencing, taking over and handing over."""
