{{ result_table('heterogeneous_effects') }}
