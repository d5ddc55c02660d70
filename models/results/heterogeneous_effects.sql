{{ compared_result('heterogeneous_effects') }}
