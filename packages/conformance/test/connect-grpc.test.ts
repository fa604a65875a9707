import { connectSubject, transportConformance } from '../src/index.js';

transportConformance(connectSubject('grpc'));
