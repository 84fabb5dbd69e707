"""sync-laporgub: keeps a case and its twin at LaporGub or SP4N-LAPOR! telling the same story."""
