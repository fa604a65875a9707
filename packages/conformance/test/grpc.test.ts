import { grpcSubject, transportConformance } from '../src/index.js';

transportConformance(grpcSubject);
